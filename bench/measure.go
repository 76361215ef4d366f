package main

import (
	"context"
	"fmt"
	"log"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/go-json-experiment/json"
	bolt "go.etcd.io/bbolt"

	"portolan/api"
	"portolan/internal/node"
	"portolan/internal/state"
)

// reads compares three reads with a bare handler that writes the same bytes.
func (b *bench) reads() {
	srv := serve(tempBolt())
	defer srv.stop()
	var gn api.CreateGlobalNetworkOutput
	check(json.Unmarshal(do("POST", srv.url+"/global-networks", "{}"), &gn))
	root := srv.url + "/global-networks/" + gn.GlobalNetwork.GlobalNetworkId
	var device api.CreateDeviceOutput
	for range 200 {
		do("POST", root+"/sites", `{"Description":"a site of the benchmark","Location":{"Address":"1 Main St","Latitude":"40.7","Longitude":"-74.0"}}`)
		check(json.Unmarshal(do("POST", root+"/devices", `{"Description":"a device of the benchmark","Vendor":"acme","Model":"m1"}`), &device))
	}
	seedPeerAssociation(srv.url, gn.GlobalNetwork.GlobalNetworkId, device.Device.DeviceId)
	b.printf("## Reads beside a bare net/http handler\n\nThe bare handler knows the answer's bytes beforehand. 4 clients, bbolt, no access log. The ratio is that of the\nprocessor time of both, the clients' share included. Goal: at least 0.85, 0.80 of a page,\n0.75 with wrk.\n\n")
	b.printf("| call | bytes | Portolan /s | bare /s | ratio |\n| --- | ---: | ---: | ---: | ---: |\n")
	for _, c := range []struct{ name, url string }{
		{"GetConnectPeerAssociations", root + "/connect-peer-associations"},
		{"GetDevices, one id", root + "/devices?deviceIds=" + device.Device.DeviceId},
		{"GetSites, page of 100", root + "/sites?maxResults=100"},
	} {
		body := do("GET", c.url, "")
		floor, stop := bare(body)
		ours, theirs, _, ratio := b.compared(4, gets(c.url), gets(floor))
		b.printf("| %s | %d | %.0f | %.0f | %.2f |\n", c.name, len(body), ours, theirs, ratio)
		b.wrk(c.name, c.url, floor)
		stop()
	}
	b.allocations(root + "/devices?deviceIds=" + device.Device.DeviceId)
	b.moto(root, device.Device.DeviceId)
}

// allocations counts what a request for one row allocates, and what of it net/http does for any handler.
func (b *bench) allocations(url string) {
	floor, stop := bare(do("GET", url, ""))
	defer stop()
	count := func(url string) float64 {
		const times = 2000
		g := newGetter(url)
		g.get()
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		for range times {
			g.get()
		}
		runtime.ReadMemStats(&after)
		return float64(after.Mallocs-before.Mallocs) / times
	}
	ours, theirs := count(url), count(floor)
	b.printf("\nGetDevices of one id makes %.0f allocations, of which %.0f are those of net/http, the client and the bare handler: the goal is 25\nin all. The others are the caller and the context, the decoded input, the transaction, the output and the headers.\n\n", ours, theirs)
}

// seedPeerAssociation makes a core network down to an associated Connect peer.
func seedPeerAssociation(url, gn, device string) {
	post := func(path string, body any) map[string]any {
		text, err := json.Marshal(body, json.Deterministic(true))
		check(err)
		var v map[string]any
		check(json.Unmarshal(do("POST", url+path, string(text)), &v))
		return v
	}
	type m = map[string]any
	policy, err := os.ReadFile("test/testdata/seed.json")
	check(err)
	cn := post("/core-networks", m{"GlobalNetworkId": gn, "PolicyDocument": string(policy)})["CoreNetwork"].(m)["CoreNetworkId"]
	arn := "arn:aws:ec2:eu-west-1:111122223333:"
	vpc := post("/vpc-attachments", m{"CoreNetworkId": cn, "VpcArn": arn + "vpc/vpc-0123456789abcdef0", "SubnetArns": []string{arn + "subnet/subnet-0123456789abcdef0"}})
	connect := post("/connect-attachments", m{
		"CoreNetworkId": cn, "EdgeLocation": "eu-west-1", "Options": m{"Protocol": "GRE"},
		"TransportAttachmentId": vpc["VpcAttachment"].(m)["Attachment"].(m)["AttachmentId"],
	})
	peer := post("/connect-peers", m{
		"ConnectAttachmentId": connect["ConnectAttachment"].(m)["Attachment"].(m)["AttachmentId"],
		"PeerAddress":         "10.0.0.5", "InsideCidrBlocks": []string{"169.254.40.0/29"},
	})
	post("/global-networks/"+gn+"/connect-peer-associations", m{"ConnectPeerId": peer["ConnectPeer"].(m)["ConnectPeerId"], "DeviceId": device})
}

// answers is whether something answers at a URL, now or within a while.
func answers(url string, within time.Duration) bool {
	for start := time.Now(); time.Since(start) < within; time.Sleep(100 * time.Millisecond) {
		if resp, err := http.Get(url); err == nil {
			check(resp.Body.Close())
			return true
		}
	}
	return false
}

// moto compares with moto's server on the calls both have, when it is installed.
func (b *bench) moto(root, device string) {
	path, err := exec.LookPath("moto_server")
	if err != nil {
		b.printf("moto's server is not on this machine.\n\n")
		return
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	check(err)
	addr := l.Addr().(*net.TCPAddr)
	check(l.Close())
	cmd := exec.Command(path, "-H", "127.0.0.1", "-p", fmt.Sprint(addr.Port))
	check(cmd.Start())
	defer func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	}()
	url := "http://" + addr.String()
	if !answers(url+"/moto-api/", 2*time.Minute) {
		b.printf("moto's server did not answer within 2 minutes.\n\n")
		return
	}
	var gn struct {
		GlobalNetwork struct{ GlobalNetworkId string }
	}
	check(json.Unmarshal(do("POST", url+"/global-networks", "{}"), &gn))
	theirRoot := url + "/global-networks/" + gn.GlobalNetwork.GlobalNetworkId
	var d struct{ Device struct{ DeviceId string } }
	for range 200 {
		do("POST", theirRoot+"/sites", `{"Description":"a site of the benchmark"}`)
		check(json.Unmarshal(do("POST", theirRoot+"/devices", `{"Description":"a device of the benchmark"}`), &d))
	}
	b.printf("Beside moto's server, the calls both have, with 64 clients. Goal: at least 100 times. The last column is how far the bare handler gets:\nno Go server on net/http can be further ahead than that.\n\n| call | Portolan /s | moto /s | times | bare net/http, times |\n| --- | ---: | ---: | ---: | ---: |\n")
	for _, c := range []struct{ name, ours, theirs string }{
		{"GetDevices, one id", root + "/devices?deviceIds=" + device, theirRoot + "/devices?deviceIds=" + d.Device.DeviceId},
		{"GetSites, page of 100", root + "/sites?maxResults=100", theirRoot + "/sites?maxResults=100"},
	} {
		ours, theirs, ratio := b.beside(64, gets(c.ours), gets(c.theirs))
		floor, stop := bare(do("GET", c.ours, ""))
		_, _, bound := b.beside(64, gets(floor), gets(c.theirs))
		stop()
		b.printf("| %s | %.0f | %.1f | %.0f | %.0f |\n", c.name, ours, theirs, ratio, bound)
	}
	b.printf("\n")
}

// creates compares durable creates with raw bbolt in the same process.
func (b *bench) creates() {
	b.printf("## Durable creates beside raw bbolt\n\nOurs is CreateDevice over the service, the device, its counter, its queue entry and its transition included; raw bbolt is\n`Batch` with one put of the same 300 bytes. Both wait for the disk. Goal: at least 0.5.\n\n")
	b.printf("| clients | Portolan /s | bbolt Batch /s | ratio |\n| ---: | ---: | ---: | ---: |\n")
	ctx := api.WithCaller(context.Background(), api.Caller{Account: "111122223333", Partition: "aws"})
	for _, n := range []int{1, 16, 64} {
		st := tempBolt()
		svc, err := node.New(ctx, node.Config{Store: st, Quotas: state.Quotas{"devices": 1 << 30}})
		check(err)
		run, cancel := context.WithCancel(ctx)
		done := make(chan struct{})
		go func() { defer close(done); svc.Run(run) }()
		gn, err := svc.CreateGlobalNetwork(ctx, &api.CreateGlobalNetworkInput{})
		check(err)
		id := gn.GlobalNetwork.GlobalNetworkId
		dir, err := os.MkdirTemp("", "portolan-bench-")
		check(err)
		raw, err := bolt.Open(filepath.Join(dir, "raw.db"), 0o600, nil)
		check(err)
		check(raw.Update(func(tx *bolt.Tx) error { _, err := tx.CreateBucketIfNotExists([]byte("b")); return err }))
		value := []byte(strings.Repeat("x", 300))
		next := make(chan uint64, 256)
		go func() {
			for i := uint64(0); ; i++ {
				next <- i
			}
		}()
		ours, theirs, ratio := b.beside(n, calls(func() {
			_, err := svc.CreateDevice(ctx, &api.CreateDeviceInput{GlobalNetworkId: id, Description: new("a device of the benchmark")})
			check(err)
		}), calls(func() {
			key := fmt.Appendf(nil, "/acct/111122223333/device/%s/device-0%016x", id, <-next)
			check(raw.Batch(func(tx *bolt.Tx) error { return tx.Bucket([]byte("b")).Put(key, value) }))
		}))
		b.printf("| %d | %.0f | %.0f | %.2f |\n", n, ours, theirs, ratio)
		cancel()
		<-done
		check(st.Close())
		check(raw.Close())
		check(os.RemoveAll(dir))
	}
	b.printf("\n")
}

// pages compares the first, a middle and the last page of a small and a large table.
func (b *bench) pages() {
	b.printf("## Pages of 100 among few and many\n\nGetDevices with maxResults=100 over HTTP, one client, bbolt. Goal: within 1.3 of each other.\n\n")
	b.printf("| devices | first /s | middle /s | last /s | slowest to fastest | memory of the process, MiB |\n| ---: | ---: | ---: | ---: | ---: | ---: |\n")
	for _, n := range []int{1000, b.devices} {
		dir, err := os.MkdirTemp("", "portolan-bench-")
		check(err)
		url, pid, kill := startBinary("--data", dir, "--quota", "devices=100000000", "--log-level", "error")
		gn := fill(url, n)
		list := url + "/global-networks/" + gn + "/devices?maxResults=100"
		tokens := []string{""}
		token := ""
		for seen := 100; seen < n; seen += 100 {
			// Pages of 500 get there sooner; the tokens are the same.
			var page struct{ NextToken string }
			check(json.Unmarshal(do("GET", list+"&nextToken="+token, ""), &page))
			token = page.NextToken
			if seen == n/2/100*100 || seen+100 >= n {
				tokens = append(tokens, token)
			}
		}
		var rates []float64
		for _, t := range tokens {
			rates = append(rates, b.alone(1, gets(list+"&nextToken="+t)))
		}
		slow, fast := rates[0], rates[0]
		for _, r := range rates {
			slow, fast = min(slow, r), max(fast, r)
		}
		b.printf("| %d | %.0f | %.0f | %.0f | %.2f | %.0f |\n", n, rates[0], rates[1], rates[2], fast/slow, resident(pid))
		kill()
		check(os.RemoveAll(dir))
	}
	b.printf("\nMemory is anonymous memory; the pages of the file that bbolt maps belong to the kernel's cache.\n\n")
}

// fill makes n devices, with many clients so that they share commits.
func fill(url string, n int) string {
	var gn api.CreateGlobalNetworkOutput
	check(json.Unmarshal(do("POST", url+"/global-networks", "{}"), &gn))
	id := gn.GlobalNetwork.GlobalNetworkId
	todo := make(chan struct{}, n)
	for range n {
		todo <- struct{}{}
	}
	close(todo)
	done := make(chan struct{})
	const clients = 128
	for range clients {
		go func() {
			for range todo {
				do("POST", url+"/global-networks/"+id+"/devices", `{"Description":"a device of the benchmark","Vendor":"acme","Model":"m1"}`)
			}
			done <- struct{}{}
		}()
	}
	for range clients {
		<-done
	}
	return id
}

// start measures what a person waits for, and what an idle server keeps.
func (b *bench) start() {
	binary := buildBinary()
	info, err := os.Stat(binary)
	check(err)
	var times []float64
	var idle float64
	for range b.rounds {
		dir, err := os.MkdirTemp("", "portolan-bench-")
		check(err)
		begin := time.Now()
		url, pid, kill := startBinary("--data", dir)
		do("GET", url+"/global-networks", "")
		times = append(times, float64(time.Since(begin).Microseconds())/1000)
		time.Sleep(500 * time.Millisecond) // let it come to rest
		idle = resident(pid)
		kill()
		check(os.RemoveAll(dir))
	}
	b.printf("## Start, memory, size\n\n| what | measured | goal |\n| --- | ---: | ---: |\n")
	b.printf("| start to first answer | %.0f ms | 50 ms |\n| idle memory | %.0f MiB | 30 MiB |\n| stripped binary | %.1f MB | – |\n", median(times), idle, float64(info.Size())/1e6)
}

// startBinary runs the real binary and returns when its port answers.
func startBinary(args ...string) (url string, pid int, kill func()) {
	return start(buildBinaryOnce(), args...)
}

func start(binary string, args ...string) (url string, pid int, kill func()) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	check(err)
	addr := l.Addr().String()
	check(l.Close())
	cmd := exec.Command(binary, append([]string{"serve", "--listen", addr}, args...)...)
	check(cmd.Start())
	for range 10_000 {
		c, err := net.Dial("tcp", addr)
		if err == nil {
			check(c.Close())
			return "http://" + addr, cmd.Process.Pid, func() {
				_ = cmd.Process.Signal(syscall.SIGKILL)
				_ = cmd.Wait()
			}
		}
		time.Sleep(time.Millisecond)
	}
	log.Fatal("the server did not start")
	return "", 0, nil
}

var buildBinaryOnce = sync.OnceValue(buildBinary)

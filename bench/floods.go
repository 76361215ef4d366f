package main

import (
	"bufio"
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"fmt"
	"io"
	"log"
	"math"
	"math/big"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/go-json-experiment/json"
)

// floods measures how long signed calls take beside many connections of clients that have no valid signature.
func (b *bench) floods() {
	b.printf("## Signed calls beside floods\n\nGetDevices and CreateSite in turns, each over a new connection, at a server with `--credentials`, beside connections of others, each of\n" +
		"which begins anew when it is closed. A request \"50 times\" is sent 50 times at once; answers are read, where nothing else is said.\n" +
		"All clients share the cores with the server, which takes 8,192 connections. Goals: the slowest below 1,000 ms, none\nfails.\n\n")
	b.printf("| what others do | connections | opened /s | answers, MB/s | GetDevices, median | CreateSite, median | slowest | failed |\n| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |\n")
	dir, err := os.MkdirTemp("", "portolan-bench-")
	check(err)
	defer func() { check(os.RemoveAll(dir)) }()
	for _, key := range []string{"", "ECDSA", "RSA"} {
		f := newFlooded(b, dir, key)
		for _, k := range f.kinds() {
			if strings.Contains(k.name, b.attack) {
				f.beside(k)
			}
		}
		f.stop()
	}
	b.printf("\n")
}

// flooded is a server that checks signatures.
type flooded struct {
	b       *bench
	addr    string
	key     string      // the kind of the server's key; "": HTTP
	secured *tls.Config // of clients; nil: HTTP
	root    string      // path of a global network with some devices
	stop    func()
}

// The keys of the server's file: who is measured, and another account.
const (
	quietKey = "AKIAQUIET"
	otherKey = "AKIAOTHER"
)

func newFlooded(b *bench, dir, key string) *flooded {
	binary := b.binary
	if binary == "" {
		binary = buildBinaryOnce()
	}
	keys := filepath.Join(dir, "keys.json")
	var list []m
	for i, id := range []string{quietKey, otherKey} {
		account := fmt.Sprintf("%012d", i+1)
		list = append(list, m{"accessKeyId": id, "secretAccessKey": "secret", "account": account, "principalArn": "arn:aws:iam::" + account + ":user/u", "policies": []m{
			{"Version": "2012-10-17", "Statement": []m{{"Effect": "Allow", "Action": "networkmanager:*", "Resource": "*"}}},
		}})
	}
	text, err := json.Marshal(list, json.Deterministic(true))
	check(err)
	check(os.WriteFile(keys, text, 0o600))
	args := []string{"--data", filepath.Join(dir, "data-"+key), "--credentials", keys, "--quota", "sites=1000000"}
	f := &flooded{b: b, key: key}
	if key != "" {
		chain, private, config := ownCertificate(dir, key)
		f.secured = config
		args = append(args, "--tls-cert", chain, "--tls-key", private)
	}
	url, _, kill := start(binary, args...)
	f.addr, f.stop = strings.TrimPrefix(url, "http://"), kill
	var gn struct {
		GlobalNetwork struct{ GlobalNetworkId string }
	}
	_, answer, err := f.call("POST", "/global-networks")
	check(err)
	check(json.Unmarshal(answer, &gn))
	f.root = "/global-networks/" + gn.GlobalNetwork.GlobalNetworkId
	for range 20 {
		_, _, err = f.call("POST", f.root+"/devices")
		check(err)
	}
	return f
}

// ownCertificate makes files of a certificate with a key of a kind, and what its clients need.
func ownCertificate(dir, kind string) (chain, private string, client *tls.Config) {
	var key crypto.Signer
	var err error
	if kind == "RSA" {
		key, err = rsa.GenerateKey(rand.Reader, 2048)
	} else {
		key, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	}
	check(err)
	template := &x509.Certificate{SerialNumber: big.NewInt(1), DNSNames: []string{"localhost"}, NotAfter: time.Now().Add(24 * time.Hour), IsCA: true, BasicConstraintsValid: true}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	check(err)
	cert, err := x509.ParseCertificate(der)
	check(err)
	text, err := x509.MarshalPKCS8PrivateKey(key)
	check(err)
	chain, private = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	check(os.WriteFile(chain, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600))
	check(os.WriteFile(private, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: text}), 0o600))
	client = &tls.Config{ServerName: "localhost", RootCAs: x509.NewCertPool()}
	client.RootCAs.AddCert(cert)
	return chain, private, client
}

// signed is a request as it is sent, signed by a key, up to the end of its headers.
func (f *flooded) signed(key, method, path string) string {
	req, err := http.NewRequest(method, "http://"+f.addr+path, nil)
	check(err)
	empty := sha256.Sum256(nil)
	check(v4.NewSigner().SignHTTP(context.Background(), aws.Credentials{AccessKeyID: key, SecretAccessKey: "secret"}, req, hex.EncodeToString(empty[:]), "networkmanager", "us-west-2", time.Now()))
	text := &strings.Builder{}
	check(req.Write(text))
	return strings.TrimSuffix(text.String(), "\r\n")
}

// patience is what a call that has no answer is given up after.
const patience = 10 * time.Second

// call is a signed call over a connection of its own, which the server may close.
func (f *flooded) call(method, path string) (took time.Duration, answer []byte, err error) {
	request := f.signed(quietKey, method, path) + "Connection: close\r\n\r\n"
	start := time.Now()
	conn, err := net.Dial("tcp", f.addr)
	if err != nil {
		return 0, nil, err
	}
	check(conn.SetDeadline(start.Add(patience)))
	if f.secured != nil {
		conn = tls.Client(conn, f.secured)
	}
	defer func() { _ = conn.Close() }() // the server may have been first
	if _, err := io.WriteString(conn, request); err != nil {
		return 0, nil, err
	}
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		return 0, nil, err
	}
	if answer, err = io.ReadAll(resp.Body); err == nil && resp.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s %s: %s %.300s", method, path, resp.Status, answer)
	}
	return time.Since(start), answer, err
}

// flood is what each of many connections sends.
type flood struct {
	name        string
	connections int
	text        string
	after       string // what is done then
}

const (
	readAnswers = "read"
	readOnce    = "once"  // the first answer, and begin anew
	leaveThem   = "leave" // read nothing
	sendSlowly  = "slow"  // one more byte every second
)

func (f *flooded) kinds() []flood {
	if f.secured != nil {
		hello, over := clientHello(), "TLS, "+f.key
		return []flood{
			{over + ": nothing", 0, "", readAnswers},
			{over + ": are idle", 5000, "", readAnswers},
			{over + ": begin a handshake and do not end it", 4000, hello, readAnswers},
			{over + ": begin a handshake and do not end it", 5000, hello, readAnswers},
			{over + ": begin a handshake, hear the answer and begin anew", 1000, hello, readOnce},
			{over + ": begin a handshake, hear the answer and begin anew", 4000, hello, readOnce},
		}
	}
	get := func(path string) string { return "GET " + path + " HTTP/1.1\r\nHost: " + f.addr + "\r\n" }
	const last = "Connection: close\r\n\r\n"
	fifty := func(request string) string { return strings.Repeat(request+"\r\n", 49) + request + last }
	description := get("/_portolan/openapi.json")
	forged := strings.Replace(f.signed(quietKey, "GET", f.root+"/devices"), "Signature=", "Signature=0", 1)
	const size = 1_000_000 // of a body, less than what is taken
	body := strings.Replace(forged, "GET", "POST", 1) + fmt.Sprintf("Content-Length: %d\r\n", size)
	stream := f.signed(otherKey, "GET", "/_portolan/events") + "Accept: text/event-stream\r\n\r\n"
	return []flood{
		{"nothing", 0, "", readAnswers},
		{"are idle", 5000, "", readAnswers},
		{"send a header slowly", 5000, get(f.root+"/devices") + "X-A: ", sendSlowly},
		{"send a body slowly, named like a key", 5000, body + "\r\n", sendSlowly},
		{"send a body of 1 MB and begin anew", 1000, body + last + strings.Repeat("x", size), readAnswers},
		{"open streams of events, signed, of another account", 4000, stream, readAnswers},
		{"the same", 5000, stream, readAnswers},
		{"ask once and begin anew", 1000, get(f.root+"/devices") + last, readAnswers},
		{"ask 50 times for devices", 1000, fifty(get(f.root + "/devices")), readAnswers},
		{"the same with a wrong signature", 1000, fifty(forged), readAnswers},
		{"the same, signed, of another account", 1000, fifty(f.signed(otherKey, "GET", "/global-networks")), readAnswers},
		{"ask 50 times for the description of the control calls, 52 KB", 1000, fifty(description), readAnswers},
		{"the same, and read nothing", 1000, fifty(description), leaveThem},
		{"the same, and read it", 4000, fifty(description), readAnswers},
		{"ask 50 times for app.js of the console, 85 KB", 1000, fifty(get("/console/app.js")), readAnswers},
		{"ask 50 times for health", 1000, fifty(get("/_portolan/health")), readAnswers},
		{"ask 50 times for metrics", 1000, fifty(get("/metrics")), readAnswers},
		{"ask 50 times who calls", 1000, fifty(get("/_portolan/caller")), readAnswers},
		{"ask 50 times for events", 1000, fifty(get("/_portolan/events")), readAnswers},
		{"ask 50 times for announcements", 1000, fifty(get("/_portolan/announcements/attachment-0")), readAnswers},
	}
}

// clientHello is how a TLS handshake begins.
func clientHello() string {
	ours, theirs := net.Pipe()
	go func() { _ = tls.Client(ours, &tls.Config{ServerName: "localhost"}).Handshake() }() // it ends with the pipe
	hello := make([]byte, 4096)
	n, err := theirs.Read(hello)
	check(err)
	check(theirs.Close())
	return string(hello[:n])
}

// beside measures signed calls beside a flood and prints the row.
func (f *flooded) beside(k flood) {
	var opened, read atomic.Int64
	stop := func() {}
	if k.connections > 0 {
		stop = f.begin(k, &opened, &read)
	}
	var reads, writes []float64
	failed := 0
	call := func(method, path string, list *[]float64) {
		took, _, err := f.call(method, path)
		if err != nil {
			log.Printf("beside %q: %v", k.name, err)
			failed++
			return
		}
		*list = append(*list, float64(took.Microseconds())/1000)
	}
	start, before := time.Now(), [2]int64{opened.Load(), read.Load()}
	for span := time.Duration(f.b.rounds) * f.b.span; time.Since(start) < span || min(len(reads), len(writes)) < 4 && failed < 20; time.Sleep(2 * time.Millisecond) {
		call("GET", f.root+"/devices", &reads)
		call("POST", f.root+"/sites", &writes)
	}
	seconds := time.Since(start).Seconds()
	if len(reads) == 0 || len(writes) == 0 {
		reads, writes = append(reads, math.Inf(1)), append(writes, math.Inf(1))
	}
	f.b.printf("| %s | %d | %.0f | %.0f | %.1f ms | %.1f ms | %.0f ms | %d |\n", k.name, k.connections, float64(opened.Load()-before[0])/seconds,
		float64(read.Load()-before[1])/1e6/seconds, median(reads), median(writes), max(slices.Max(reads), slices.Max(writes)), failed)
	stop()
}

// begin lets a process of its own flood the server, so that the scheduler of this one has nothing but the signed calls.
func (f *flooded) begin(k flood, opened, read *atomic.Int64) (stop func()) {
	self, err := os.Executable()
	check(err)
	cmd := exec.Command(self, floodCommand, f.addr, strconv.Itoa(k.connections), k.after)
	cmd.Stdin, cmd.Stderr = strings.NewReader(k.text), os.Stderr
	out, err := cmd.StdoutPipe()
	check(err)
	check(cmd.Start())
	lines := bufio.NewScanner(out)
	next := func() bool {
		if !lines.Scan() {
			return false
		}
		var o, r int64
		_, err := fmt.Sscan(lines.Text(), &o, &r)
		check(err)
		opened.Store(o)
		read.Store(r)
		return true
	}
	for next() && opened.Load() < int64(k.connections) {
	}
	for range 10 { // a second
		next()
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for next() {
		}
	}()
	return func() {
		_ = cmd.Process.Kill()
		<-done
		_ = cmd.Wait()
	}
}

// floodCommand makes this program a process that floods: flood ADDRESS CONNECTIONS AFTER, with the text on standard input.
const floodCommand = "flood"

// runFlood opens connections, sends the text on each, and begins anew on those that were closed. Ten times a second it prints
// how many it has opened and how many bytes it was answered.
func runFlood(args []string) {
	if len(args) != 3 {
		log.Fatalf("usage: %s ADDRESS CONNECTIONS AFTER", floodCommand)
	}
	addr, after := args[0], args[2]
	n, err := strconv.Atoi(args[1])
	check(err)
	text, err := io.ReadAll(os.Stdin)
	check(err)
	runtime.GOMAXPROCS(1)
	var opened, read atomic.Int64
	for range n {
		go func() {
			for {
				conn, err := net.Dial("tcp", addr)
				if err != nil {
					time.Sleep(10 * time.Millisecond)
					continue
				}
				_, _ = conn.Write(text) // it may have been closed already
				opened.Add(1)
				switch after {
				case readOnce:
					n, _ := conn.Read(make([]byte, 4096))
					read.Add(int64(n))
				case leaveThem:
					select {}
				case sendSlowly:
					for err == nil {
						time.Sleep(time.Second)
						_, err = conn.Write([]byte("x"))
					}
				case readAnswers:
					discard(conn.(*net.TCPConn), &read)
				}
				_ = conn.Close()
			}
		}()
	}
	for {
		time.Sleep(100 * time.Millisecond)
		fmt.Println(opened.Load(), read.Load())
	}
}

// discarded is where answers go that nobody looks at. Linux copies nothing there, see recv(2) on MSG_TRUNC.
var discarded [1 << 20]byte

// discard reads to the end of a connection.
func discard(conn *net.TCPConn, read *atomic.Int64) {
	raw, err := conn.SyscallConn()
	check(err)
	_ = raw.Read(func(fd uintptr) (done bool) {
		for {
			n, _, err := syscall.Recvfrom(int(fd), discarded[:], syscall.MSG_TRUNC)
			switch {
			case err == syscall.EAGAIN:
				return false
			case err == nil && n > 0:
				read.Add(int64(n))
			case err != syscall.EINTR:
				return true
			}
		}
	})
}

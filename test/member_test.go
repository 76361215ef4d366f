package test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/networkmanager"

	"portolan/internal/store/etcd/etcdtest"
)

const memberModule = "internal/store/etcd/member"

// memberBinary is the binary with a member of a cluster in it, as "make build-cluster" makes it, built once per run.
var memberBinary = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "portolan-test-")
	if err != nil {
		return "", err
	}
	root, err := filepath.Abs("..")
	if err != nil {
		return "", err
	}
	path := filepath.Join(dir, "portolan-cluster")
	cmd := exec.Command("go", "build", "-tags", "grpcnotrace", "-overlay", memberModule+"/overlay.json", "-ldflags", "-s -w", "-o", path, "./cmd/portolan")
	cmd.Dir, cmd.Env = root, append(os.Environ(), "GOWORK="+filepath.Join(root, memberModule, "build.work"))
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("go build: %w\n%s", err, out)
	}
	return path, nil
})

// authority makes certificates for 127.0.0.1.
type authority struct {
	t    *testing.T
	dir  string
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

func newAuthority(t *testing.T) *authority {
	a := &authority{t: t, dir: t.TempDir()}
	a.cert, a.key = a.make("ca", &x509.Certificate{IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign})
	return a
}

// make writes NAME.pem and NAME.key.
func (a *authority) make(name string, template *x509.Certificate) (*x509.Certificate, *ecdsa.PrivateKey) {
	a.t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		a.t.Fatal(err)
	}
	template.SerialNumber, template.Subject = big.NewInt(int64(len(name))), pkix.Name{CommonName: name}
	template.NotBefore, template.NotAfter = time.Now().Add(-time.Hour), time.Now().Add(time.Hour)
	parent, signer := a.cert, a.key
	if parent == nil {
		parent, signer = template, key
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, &key.PublicKey, signer)
	if err != nil {
		a.t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		a.t.Fatal(err)
	}
	secret, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		a.t.Fatal(err)
	}
	for file, block := range map[string]*pem.Block{name + ".pem": {Type: "CERTIFICATE", Bytes: der}, name + ".key": {Type: "EC PRIVATE KEY", Bytes: secret}} {
		if err := os.WriteFile(filepath.Join(a.dir, file), pem.EncodeToMemory(block), 0o600); err != nil {
			a.t.Fatal(err)
		}
	}
	return cert, key
}

// flags are those of a member that shows a certificate of its own.
func (a *authority) flags(member string) []string {
	a.make(member, &x509.Certificate{
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, KeyUsage: x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	})
	file := func(name string) string { return filepath.Join(a.dir, name) }
	return []string{"--peer-ca", file("ca.pem"), "--peer-cert", file(member + ".pem"), "--peer-key", file(member + ".key")}
}

// startMembers starts servers that are the members of one cluster, at the same time: they wait for each other. Each shows a
// certificate of the authority, or talks in the clear if there is none.
func startMembers(t *testing.T, a *authority, urls map[string]string, names []string, args ...string) map[string]*Process {
	t.Helper()
	binary, err := memberBinary()
	if err != nil {
		t.Fatal(err)
	}
	var peers []string
	for name, url := range urls {
		peers = append(peers, name+"="+url)
	}
	out := map[string]*Process{}
	var mu sync.Mutex
	var wg sync.WaitGroup
	for _, name := range names {
		own := append([]string{"--cluster", name, "--peers", strings.Join(peers, ","), "--data", filepath.Join(inMemory(t), name), "--log-level", "error"}, args...)
		if a != nil {
			own = append(own, a.flags(name)...)
		}
		wg.Go(func() {
			p, err := start(binary, own...)
			if err != nil {
				t.Errorf("%s: %v", name, err)
				return
			}
			t.Cleanup(p.Kill)
			mu.Lock()
			defer mu.Unlock()
			out[name] = p
		})
	}
	if wg.Wait(); t.Failed() {
		t.FailNow()
	}
	return out
}

// TestMember_threeServersAndNothingElse: three servers hold the data together. One is killed while the others are written to and
// replaced by a new one; nothing is lost. A backup becomes a cluster of one.
func TestMember_threeServersAndNothingElse(t *testing.T) {
	ca := newAuthority(t)
	urls := map[string]string{}
	for i, address := range etcdtest.FreeAddresses(3) {
		urls[string("abc"[i])] = "https://" + address
	}
	unlimited := []string{"--store-reads", "linearizable", "--quota", "devices=1000000"}
	servers := startMembers(t, ca, urls, []string{"a", "b", "c"}, unlimited...)
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
	defer cancel()
	made, err := patient(servers["c"]).CreateGlobalNetwork(ctx, &networkmanager.CreateGlobalNetworkInput{})
	if err != nil {
		t.Fatal(err)
	}
	gn := *made.GlobalNetwork.GlobalNetworkId
	acknowledged := writeWhile(ctx, t, []*Process{servers["a"], servers["b"]}, gn, func() {
		servers["c"].Kill()
		changed(t, servers["a"], "c is no member any more", "none has the name", "cluster", "remove", "c")
		delete(urls, "c")
		urls["d"] = "https://" + etcdtest.FreeAddress()
		changed(t, servers["a"], urls["d"]+" may join", "in the cluster already", "cluster", "add", urls["d"])
		servers["d"] = startMembers(t, ca, urls, []string{"d"}, append(unlimited, "--join")...)["d"]
	})
	t.Run("nothing is lost", func(t *testing.T) {
		for _, name := range []string{"a", "b", "d"} {
			if err := verify(ctx, patient(servers[name]), gn, acknowledged); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
	})
	t.Run("cluster status", func(t *testing.T) {
		until(t, "d to be a member in the place of c, and one to lead", func() bool {
			_, members, _ := strings.Cut(commandOf(servers["d"], "cluster", "status"), "ETCD MEMBER")
			return strings.Contains(members, urls["d"]) && strings.Contains(members, "leader") && strings.Contains(members, "\nd ") && !strings.Contains(members, "\nc ")
		})
	})
	t.Run("a backup becomes a cluster of one", func(t *testing.T) {
		backup, folder, member := filepath.Join(t.TempDir(), "b.db"), filepath.Join(t.TempDir(), "one"), filepath.Join(inMemory(t), "x")
		portolan(t, servers["a"], 0, "backup", backup)
		portolan(t, nil, 0, "restore", "--data", folder, backup)
		binary, err := memberBinary()
		if err != nil {
			t.Fatal(err)
		}
		alone := []string{"--cluster", "x", "--peers", "x=http://" + etcdtest.FreeAddress()}
		if out, err := exec.Command(binary, append([]string{"migrate", "--data", folder, member}, alone...)...).CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		x, err := start(binary, append(alone, "--data", member)...)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(x.Kill)
		if err := verify(ctx, patient(x), gn, acknowledged); err != nil {
			t.Error(err)
		}
		if code, err := x.Stop(ctx); err != nil || code != 0 {
			t.Errorf("it ends with %d, %v\n%s", code, err, x.Log)
		}
	})
	t.Logf("%d devices acknowledged", len(acknowledged))
}

// changed changes the members, again and again while they elect a leader. It was done when the command says so, or, to a try after
// one whose answer was lost, that there is nothing to do.
func changed(t *testing.T, p *Process, done, before string, args ...string) {
	t.Helper()
	said := ""
	until(t, strings.Join(args, " "), func() bool {
		text := commandOf(p, args...)
		if text != said {
			t.Log(text)
		}
		said = text
		return strings.Contains(text, done) || strings.Contains(text, before)
	})
}

// writeWhile creates devices at servers while something happens, and some before and after, and returns which were acknowledged.
func writeWhile(ctx context.Context, t *testing.T, servers []*Process, gn string, happens func()) map[string]string {
	t.Helper()
	var mu sync.Mutex
	acknowledged := map[string]string{}
	before, over := make(chan struct{}), make(chan struct{})
	var wg sync.WaitGroup
	for w := range 4 {
		client := patient(servers[w%len(servers)])
		wg.Go(func() {
			for n, left := 0, 10; left > 0; n++ {
				description := fmt.Sprintf("writer %d device %d", w, n)
				out, err := client.CreateDevice(ctx, &networkmanager.CreateDeviceInput{GlobalNetworkId: &gn, Description: &description})
				if err != nil {
					t.Errorf("writer %d: %v", w, err)
					return
				}
				mu.Lock()
				if acknowledged[*out.Device.DeviceId] = description; len(acknowledged) == 20 {
					close(before)
				}
				mu.Unlock()
				select {
				case <-over:
					left--
				default:
				}
			}
		})
	}
	select {
	case <-before:
		happens()
	case <-ctx.Done():
		t.Error("the writers do not get on")
	}
	close(over)
	wg.Wait()
	return acknowledged
}

// TestMember_refusals: what cannot be a member says why, in one line.
func TestMember_refusals(t *testing.T) {
	one := t.TempDir()
	p := Start(t, "--data", one)
	if _, err := p.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	for args, want := range map[string]string{
		"--cluster a --peers a=http://127.0.0.1:1":                                 "make build-cluster",
		"--cluster a --peers b=http://127.0.0.1:1":                                 "a is not among the peers: b",
		"--cluster a --peers a=http://10.0.0.1:2380":                               "members talk over TLS",
		"--cluster a --peers a=https://10.0.0.1:2380":                              "--peer-ca, --peer-cert and --peer-key",
		"--cluster a --peers a":                                                    "want NAME=URL",
		"--cluster a --peers a=http://127.0.0.1:1 --ephemeral":                     "excludes",
		"--peers a=http://127.0.0.1:1":                                             "--cluster NAME",
		"--cluster a --peers a=http://127.0.0.1:1 --store-name b":                  "has the name of its member",
		"--cluster a --peers a=http://127.0.0.1:1 --data " + one:                   "that of one server",
		"--cluster a --peers a=http://127.0.0.1:1,b=http://127.0.0.1:1":            "the same URL",
		"--cluster a --peers a=http://127.0.0.1:1 --peer-ca a.pem":                 "belong together",
		"--cluster a --peers a=http://127.0.0.1:1,a=http://127.0.0.1:2":            "is both",
		"--cluster a/b --peers a=http://127.0.0.1:1":                               "no name of a member",
		"--cluster a --peers a=http://user@127.0.0.1:1":                            "https://HOST:PORT",
		"--cluster a --peers a=http://127.0.0.1:1 --store etcd://127.0.0.1:2/some": "excludes",
	} {
		args := strings.Fields(args)
		if !strings.Contains(strings.Join(args, " "), "--data") {
			args = append(args, "--data", t.TempDir())
		}
		out, err := exec.Command(Binary(t), append([]string{"serve", "--listen", "127.0.0.1:0"}, args...)...).CombinedOutput()
		if err == nil || !strings.Contains(string(out), want) || strings.Count(string(out), "\n") != 1 {
			t.Errorf("%v: %v\n%s", args, err, out)
		}
	}
	q := Start(t, "--data", one)
	if out := portolan(t, q, 2, "cluster", "add", "http://127.0.0.1:1"); out != "" {
		t.Errorf("printed %q", out)
	}
}

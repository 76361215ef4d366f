package main

import (
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"
)

// backup measures how fast everything is copied while four clients write, and how long their calls take beside it.
func (b *bench) backup() {
	dir, err := os.MkdirTemp("", "portolan-bench-")
	check(err)
	defer func() { check(os.RemoveAll(dir)) }()
	binary := b.binary
	if binary == "" {
		binary = buildBinaryOnce()
	}
	data := filepath.Join(dir, "data")
	url, _, kill := start(binary, "--data", data, "--quota", "devices=100000000", "--log-level", "error")
	defer kill()
	devices := url + "/global-networks/" + fill(url, b.devices) + "/devices"
	floor, stop := bareFile(filepath.Join(data, "portolan.db"))
	defer stop()

	b.printf("## Backup beside writers\n\nGET /_portolan/backup of %d devices while 4 clients make more of them, over HTTP, bbolt; the floor is a bare handler that copies the\n"+
		"same file with io.Copy while the server has nothing to do but the same writes. Goals: 100 MB/s; the slowest write at most 50 ms\nslower than without.\n\n", b.devices)
	b.printf("| copied | to | MB | MB/s | writes /s | write, median | slowest |\n| --- | --- | ---: | ---: | ---: | ---: | ---: |\n")
	row := func(what, to string, copies func() int64) {
		var speeds []float64
		var megabytes float64
		writes, seconds := b.writers(devices, func() {
			for range b.rounds {
				start := time.Now()
				megabytes = float64(copies()) / 1e6
				speeds = append(speeds, megabytes/time.Since(start).Seconds())
			}
		})
		speed := 0.0
		if megabytes > 0 {
			speed = median(speeds)
		}
		b.printf("| %s | %s | %.0f | %.0f | %.0f | %.1f ms | %.0f ms |\n", what, to, megabytes, speed, float64(len(writes))/seconds, median(writes), slices.Max(writes))
	}
	row("nothing", "", func() int64 { time.Sleep(b.span); return 0 })
	file := filepath.Join(dir, "copy")
	for _, c := range []struct{ name, url string }{{"the data file, by a bare handler", floor}, {"backup", url + "/_portolan/backup"}} {
		row(c.name, "discarded", func() int64 { return fetch(c.url, io.Discard) })
		row(c.name, "a file", func() int64 {
			f, err := os.Create(file)
			check(err)
			n := fetch(c.url, f)
			check(f.Close())
			return n
		})
	}
	b.printf("\n")
}

// bareFile answers every request with a file.
func bareFile(path string) (url string, stop func()) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	check(err)
	hs := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		f, err := os.Open(path)
		check(err)
		defer func() { _ = f.Close() }() // only read
		_, _ = io.Copy(w, f)
	})}
	go func() { _ = hs.Serve(l) }()
	return "http://" + l.Addr().String(), func() { _ = hs.Close() }
}

// fetch copies an answer and gives its length.
func fetch(url string, to io.Writer) int64 {
	resp, err := client.Get(url)
	check(err)
	defer func() { check(resp.Body.Close()) }()
	n, err := io.Copy(to, resp.Body)
	check(err)
	return n
}

// writers make devices with four clients while something else is done. It gives how long each call took, in milliseconds, and how
// long all of it did.
func (b *bench) writers(url string, beside func()) (took []float64, seconds float64) {
	const clients = 4
	lists := make([][]float64, clients)
	stop := make(chan struct{})
	var wg sync.WaitGroup
	begin := time.Now()
	for i := range clients {
		wg.Go(func() {
			g := newPoster(url, `{"Description":"a device of the benchmark","Vendor":"acme","Model":"m1"}`)
			for {
				select {
				case <-stop:
					return
				default:
				}
				start := time.Now()
				g.get()
				lists[i] = append(lists[i], float64(time.Since(start).Microseconds())/1000)
			}
		})
	}
	beside()
	close(stop)
	wg.Wait()
	return slices.Concat(lists...), time.Since(begin).Seconds()
}

package main

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"net/url"
	"strconv"
)

// getter sends one request over and over on a connection of its own. It does as little as HTTP/1.1 allows, so that what is
// measured on a machine with few cores is the server and not the client.
type getter struct {
	addr    string
	request []byte
	conn    net.Conn
	r       *bufio.Reader
}

func newGetter(target string) *getter {
	u, err := url.Parse(target)
	check(err)
	const credential = "AWS4-HMAC-SHA256 Credential=111122223333/20260131/us-west-2/networkmanager/aws4_request, SignedHeaders=host, Signature=0"
	return &getter{addr: u.Host, request: fmt.Appendf(nil, "GET %s HTTP/1.1\r\nHost: %s\r\nAuthorization: %s\r\n\r\n", u.RequestURI(), u.Host, credential)}
}

// newPoster is the same with a POST and its body.
func newPoster(target, body string) *getter {
	g := newGetter(target)
	head := bytes.Replace(bytes.TrimSuffix(g.request, []byte("\r\n")), []byte("GET "), []byte("POST "), 1)
	g.request = fmt.Appendf(head, "Content-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", len(body), body)
	return g
}

func (g *getter) get() {
	if g.conn == nil {
		conn, err := net.Dial("tcp", g.addr)
		check(err)
		g.conn, g.r = conn, bufio.NewReaderSize(conn, 64<<10)
	}
	_, err := g.conn.Write(g.request)
	check(err)
	length, closes := 0, false
	for first := true; ; first = false {
		line, err := g.r.ReadSlice('\n')
		check(err)
		line = bytes.TrimRight(line, "\r\n")
		if first {
			if !bytes.Contains(line, []byte(" 200 ")) {
				check(fmt.Errorf("%s: %s", g.addr, line))
			}
			closes = bytes.HasPrefix(line, []byte("HTTP/1.0"))
			continue
		}
		if len(line) == 0 {
			break
		}
		name, value, _ := bytes.Cut(line, []byte(":"))
		switch {
		case bytes.EqualFold(name, []byte("Content-Length")):
			length, err = strconv.Atoi(string(bytes.TrimSpace(value)))
			check(err)
		case bytes.EqualFold(name, []byte("Connection")):
			closes = closes || bytes.EqualFold(bytes.TrimSpace(value), []byte("close"))
		}
	}
	_, err = io.CopyN(io.Discard, g.r, int64(length))
	check(err)
	if closes {
		check(g.conn.Close())
		g.conn = nil
	}
}

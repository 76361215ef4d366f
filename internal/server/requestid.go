package server

import (
	"bufio"
	"crypto/rand"
	"encoding/hex"
	"io"
	"sync"
)

// requestIDs makes random UUIDs (version 4) from a buffered source.
type requestIDs struct {
	mu  sync.Mutex
	r   *bufio.Reader
	raw [16]byte // of the next one
}

func newRequestIDs(source io.Reader) *requestIDs {
	if source == nil {
		source = rand.Reader
	}
	return &requestIDs{r: bufio.NewReaderSize(source, 4096)}
}

func (g *requestIDs) next() string {
	g.mu.Lock()
	_, err := io.ReadFull(g.r, g.raw[:])
	raw := g.raw
	g.mu.Unlock()
	if err != nil {
		panic(err) // crypto/rand does not fail; a test's source must not end
	}
	raw[6] = raw[6]&0x0f | 0x40
	raw[8] = raw[8]&0x3f | 0x80
	var text [36]byte
	hex.Encode(text[0:8], raw[0:4])
	hex.Encode(text[9:13], raw[4:6])
	hex.Encode(text[14:18], raw[6:8])
	hex.Encode(text[19:23], raw[8:10])
	hex.Encode(text[24:36], raw[10:16])
	text[8], text[13], text[18], text[23] = '-', '-', '-', '-'
	return string(text[:])
}

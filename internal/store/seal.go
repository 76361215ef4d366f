package store

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math/bits"

	"github.com/cespare/xxhash/v2"
)

// ErrDamaged is wrapped by every error that says the file no longer holds what was written to it.
var ErrDamaged = errors.New("the stored data is damaged")

// DamageError is one place where the stored data is damaged. Key is the key that was read or met, "" when the damage is not
// in one value. It wraps [ErrDamaged].
type DamageError struct {
	Key  string
	What string
	Err  error // what was noticed first, nil for a checksum
}

func (e *DamageError) Error() string {
	text := ErrDamaged.Error() + ": " + e.What
	if e.Key != "" {
		text += fmt.Sprintf(" at key %.200q", e.Key)
	}
	if e.Err != nil {
		text += fmt.Sprintf(" (%v)", e.Err)
	}
	return text
}

// Unwrap is ErrDamaged and the cause.
func (e *DamageError) Unwrap() []error { return []error{ErrDamaged, e.Err} }

// unreadable is what a panic means that came out of reading the file.
func unreadable(err error) error {
	if p, ok := errors.AsType[*PanicError](err); ok {
		err = &pageFault{p}
	}
	return &DamageError{What: "a page of the file cannot be read", Err: err}
}

// pageFault is what bbolt panics with at a page that it cannot read, in words that say more than Go's do.
type pageFault struct{ *PanicError }

func (e *pageFault) Error() string {
	if text, ok := e.Value.(string); ok {
		return text
	}
	return "it leads to where there is nothing"
}

// Unwrap is the panic itself.
func (e *pageFault) Unwrap() error { return e.PanicError }

// sealSize is the length of the seal behind every value in the file, in bytes.
const sealSize = 8

// sealOf is the seal of an entry: a checksum of the key in its upper half, so that a key can be told to be the one that was
// written although its value is not, and one of key and value in its lower half, so that a value found under another key does
// not pass.
func sealOf[K string | []byte](key K, value []byte) uint64 {
	k := sum64(key)
	h := bits.RotateLeft64(k, 27)*0x9e3779b97f4a7c15 + xxhash.Sum64(value)
	h = (h ^ h>>32) * 0xd6e8feb86659fd93
	return k>>32<<32 | (h^h>>32)&(1<<32-1)
}

func sum64[K string | []byte](key K) uint64 {
	switch k := any(key).(type) {
	case string:
		return xxhash.Sum64String(k)
	case []byte:
		return xxhash.Sum64(k)
	}
	panic("neither string nor bytes")
}

// unseal is the value in what the file holds for a key, or false when that is not what was written for it. The result has
// no capacity beyond its end, where the seal is.
func unseal(key, sealed []byte) ([]byte, bool) {
	end := len(sealed) - sealSize
	if end < 0 || binary.LittleEndian.Uint64(sealed[end:]) != sealOf(key, sealed[:end]) {
		return nil, false
	}
	return sealed[:end:end], true
}

// isKey reports whether a key is the one that its value was written for.
func isKey(key, sealed []byte) bool {
	end := len(sealed) - sealSize
	return end >= 0 && binary.LittleEndian.Uint64(sealed[end:])>>32 == sum64(key)>>32
}

// content is the number of entries of a store and the sum of their seals, mixed. It is kept with every commit, so that an entry
// that was lost, that came back or that is not the latest shows when all are added up.
type content struct {
	entries uint64
	seals   uint64
}

func (c *content) add(key string, value []byte) {
	c.addSeal(sealOf(key, value))
}

func (c *content) addSeal(seal uint64) {
	c.entries++
	c.seals += spread(seal)
}

// spread makes sums of seals depend on which upper half goes with which lower one.
func spread(seal uint64) uint64 {
	seal = (seal ^ seal>>33) * 0xff51afd7ed558ccd
	return seal ^ seal>>33
}

func (c *content) remove(key string, value []byte) {
	c.entries--
	c.seals -= spread(sealOf(key, value))
}

func (c content) bytes() []byte {
	return binary.LittleEndian.AppendUint64(binary.LittleEndian.AppendUint64(nil, c.entries), c.seals)
}

func contentOf(b []byte) (content, bool) {
	if len(b) != 16 {
		return content{}, false
	}
	return content{binary.LittleEndian.Uint64(b), binary.LittleEndian.Uint64(b[8:])}, true
}

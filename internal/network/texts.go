package network

import (
	"strings"
	"sync"

	"portolan/routing"
)

// maxTexts is how many bytes of encoded tables are kept with one computation: two tables of 10,000 routes.
const maxTexts = 4 << 20

// texts are the encoded forms of tables of one computation, so that a table that is read again is copied and not encoded.
// They go when the computation goes.
type texts struct {
	mu   sync.Mutex
	size int // bytes, at most maxTexts
	of   map[routing.TableID]string
}

// Text is the encoded form of all rows of a table, which is what encode makes of it. All callers give the same encode, which
// looks at nothing but r and the table. A table that is new takes the place of the others where there is no room for all.
func (r *Routes) Text(table routing.TableID, encode func() string) string {
	t := r.texts
	t.mu.Lock()
	text, ok := t.of[table]
	t.mu.Unlock()
	if ok {
		return text
	}
	text = encode()
	if len(text) > maxTexts {
		return text
	}
	text = strings.Clone(text) // without the room that a builder has to spare
	t.mu.Lock()
	defer t.mu.Unlock()
	if _, ok := t.of[table]; ok {
		return text // another request was faster
	}
	if t.of == nil || t.size+len(text) > maxTexts {
		t.of, t.size = map[routing.TableID]string{}, 0
	}
	t.of[table] = text
	t.size += len(text)
	return text
}

// Package failpoint makes named places in the code fail when a test asks for it: with an error, a pause, or the end of the
// process. It knows places by name only.
package failpoint

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"time"
)

// ErrInjected is what a place fails with.
var ErrInjected = errors.New("failure injected by a test")

// Points are the places that are to fail. The nil Points has none and costs a comparison.
type Points struct {
	mu     sync.Mutex
	points map[string]*point
	pause  func(time.Duration)
	kill   func()
}

type point struct {
	act   string // error, kill or delay
	delay time.Duration
	on    int // the only time it acts, 0 for each
	hits  int
}

// New has no place that fails yet; see [Points.Set].
func New() *Points { return &Points{points: map[string]*point{}, pause: time.Sleep, kill: kill} }

// Parse reads a list such as "store.commit=error@3, queue.step=delay:5ms, store.sync=kill": a name, what happens there, and
// after an @ the only time it happens. The empty list is nil.
func Parse(text string) (*Points, error) {
	if strings.TrimSpace(text) == "" {
		return nil, nil
	}
	p := New()
	for item := range strings.SplitSeq(text, ",") {
		name, act, ok := strings.Cut(strings.TrimSpace(item), "=")
		if !ok || name == "" {
			return nil, fmt.Errorf("failpoint %q: want name=error, name=kill or name=delay:5ms, each with @N for the Nth time only", item)
		}
		if err := p.Set(name, act); err != nil {
			return nil, fmt.Errorf("failpoint %s: %w", name, err)
		}
	}
	return p, nil
}

func parsePoint(text string) (*point, error) {
	act, on, once := strings.Cut(text, "@")
	p := &point{}
	if once {
		n, err := strconv.Atoi(on)
		if err != nil || n < 1 {
			return nil, fmt.Errorf("%q is not a number from 1", on)
		}
		p.on = n
	}
	var wait string
	p.act, wait, _ = strings.Cut(act, ":")
	switch {
	case p.act == "delay":
		d, err := time.ParseDuration(wait)
		if err != nil {
			return nil, err
		}
		p.delay = d
	case p.act != "error" && p.act != "kill" || wait != "":
		return nil, fmt.Errorf("%q is not error, kill or delay:TIME", act)
	}
	return p, nil
}

// At is a place. It returns what shall fail there, nil as a rule.
func (p *Points) At(name string) error {
	if p == nil {
		return nil
	}
	return p.hit(name)
}

func (p *Points) hit(name string) error {
	p.mu.Lock()
	at, ok := p.points[name]
	if !ok {
		p.mu.Unlock()
		return nil
	}
	at.hits++
	acts := at.on == 0 || at.on == at.hits
	p.mu.Unlock()
	switch {
	case !acts:
	case at.act == "delay":
		p.pause(at.delay)
	case at.act == "kill":
		p.kill()
	default:
		return fmt.Errorf("%s: %w", name, ErrInjected)
	}
	return nil
}

// Set replaces what happens at a place; "" makes it work again.
func (p *Points) Set(name, act string) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if act == "" {
		delete(p.points, name)
		return nil
	}
	at, err := parsePoint(act)
	if err != nil {
		return err
	}
	p.points[name] = at
	return nil
}

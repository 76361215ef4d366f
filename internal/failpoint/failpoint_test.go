package failpoint

import (
	"errors"
	"testing"
	"time"
)

func TestPoints_off(t *testing.T) {
	p, err := Parse("")
	if p != nil || err != nil {
		t.Fatalf("%v %v", p, err)
	}
	if n := testing.AllocsPerRun(100, func() {
		if err := p.At("store.commit"); err != nil {
			t.Error(err)
		}
	}); n != 0 {
		t.Errorf("%v allocations where nothing is to fail", n)
	}
}

func TestPoints_actions(t *testing.T) {
	p, err := Parse("a=error, b=error@2, c=delay:3s, d=kill@1")
	if err != nil {
		t.Fatal(err)
	}
	var paused time.Duration
	killed := 0
	p.pause, p.kill = func(d time.Duration) { paused += d }, func() { killed++ }
	for i := range 3 {
		for name, want := range map[string]bool{"a": true, "b": i == 1, "c": false, "d": false, "elsewhere": false} {
			if err := p.At(name); errors.Is(err, ErrInjected) != want {
				t.Errorf("%s, time %d: %v", name, i+1, err)
			}
		}
	}
	if paused != 9*time.Second || killed != 1 {
		t.Errorf("paused %v, killed %d times", paused, killed)
	}
	if err := p.Set("a", ""); err != nil || p.At("a") != nil {
		t.Error("a was to work again")
	}
}

func TestParse_refuses(t *testing.T) {
	for _, text := range []string{"a", "=error", "a=boom", "a=error@0", "a=error@x", "a=delay", "a=delay:x", "a=kill:1s"} {
		if _, err := Parse(text); err == nil {
			t.Errorf("%q was taken", text)
		}
	}
}

package server

import (
	"testing"
	"testing/synctest"
	"time"
)

// told is a deadline whose connection notes what it is told.
func told() (d *deadline, list *[]bool) {
	list = &[]bool{}
	return &deadline{set: func(t time.Time) error {
		*list = append(*list, !t.IsZero())
		return nil
	}}, list
}

// TestDeadline_passes sets deadlines as a request does, and looks when the connection hears of one: true is that it has passed,
// false that it does not hold any more.
func TestDeadline_passes(t *testing.T) {
	const second = time.Second
	in := func(after time.Duration) func(d *deadline) {
		return func(d *deadline) { _ = d.put(time.Now().Add(after + second/2)) }
	}
	none := func(d *deadline) { _ = d.put(time.Time{}) }
	for name, c := range map[string]struct {
		steps []func(*deadline) // one a second, from 0 on
		want  map[time.Duration]bool
	}{
		"one":                     {[]func(*deadline){in(3 * second)}, map[time.Duration]bool{3: true}},
		"put off":                 {[]func(*deadline){in(3 * second), in(9 * second)}, map[time.Duration]bool{10: true}},
		"put off, then earlier":   {[]func(*deadline){in(3 * second), in(9 * second), in(3 * second)}, map[time.Duration]bool{5: true}},
		"taken back":              {[]func(*deadline){in(3 * second), none}, nil},
		"taken back, then later":  {[]func(*deadline){in(3 * second), none, none, none, none, in(3 * second)}, map[time.Duration]bool{8: true}},
		"in the past":             {[]func(*deadline){in(-2 * second)}, map[time.Duration]bool{0: true}},
		"passed, then taken back": {[]func(*deadline){in(0), none}, map[time.Duration]bool{0: true, 1: false}},
		"passed, then another":    {[]func(*deadline){in(0), in(4 * second)}, map[time.Duration]bool{0: true, 1: false, 5: true}},
		"closed":                  {[]func(*deadline){in(3 * second), (*deadline).stop, in(5 * second)}, nil},
	} {
		synctest.Test(t, func(t *testing.T) {
			d, list := told()
			defer d.stop()
			heard := func() (all []bool) {
				d.mu.Lock()
				defer d.mu.Unlock()
				all, *list = *list, nil
				return all
			}
			for i := range time.Duration(12) {
				if int(i) < len(c.steps) {
					c.steps[i](d)
				}
				time.Sleep(second * 9 / 10)
				synctest.Wait()
				got := heard()
				want, any := c.want[i]
				if len(got) > 1 || any != (len(got) == 1) || any && got[0] != want {
					t.Errorf("%s: at %d s the connection was told %v, want %v (%v)", name, i, got, want, any)
				}
				time.Sleep(second / 10)
			}
		})
	}
}

// TestDeadline_costs counts what a connection is told in a request that is answered in time: that the read of net/http's own that
// waits for the client to leave is over, and that the next may wait.
func TestDeadline_costs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d, list := told()
		defer d.stop()
		for range 100 {
			for _, by := range []time.Time{time.Now().Add(30 * time.Second), past, {}, time.Now().Add(2 * time.Minute), {}} {
				if err := d.put(by); err != nil {
					t.Fatal(err)
				}
			}
			time.Sleep(5 * time.Second)
		}
		if len(*list) != 200 {
			t.Errorf("the connection was told %d times in 100 requests", len(*list))
		}
	})
}

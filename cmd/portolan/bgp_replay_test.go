package main

import (
	"bytes"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"portolan/internal/bgp/mrt"
)

// recorded is a recording of one UPDATE: ORIGIN IGP, AS_PATH 65001, NEXT_HOP, 10.7.0.0/16.
func recorded() []byte {
	update := append(slices.Repeat([]byte{0xff}, 16), 0, 0, 2, 0, 0, 0, 20,
		0x40, 1, 1, 0, 0x40, 2, 6, 2, 1, 0, 0, 0xfd, 0xe9, 0x40, 3, 4, 169, 254, 100, 1, 16, 10, 7)
	update[17] = byte(len(update))
	record := mrt.Record{
		At: time.Date(2026, 11, 29, 1, 2, 3, 0, time.UTC), PeerAS: 65001, LocalAS: 64512, FourOctetAS: true, Message: update,
		Peer: netip.MustParseAddr("169.254.100.1"), Local: netip.MustParseAddr("169.254.100.2"),
	}
	return record.Append(nil)
}

// TestBGPReplay_showsRoutesOrWhatIsWrong runs the command on a file with one UPDATE, and on what is none.
func TestBGPReplay_showsRoutesOrWhatIsWrong(t *testing.T) {
	file, broken, empty := filepath.Join(t.TempDir(), "heard.mrt"), filepath.Join(t.TempDir(), "broken.mrt"), filepath.Join(t.TempDir(), "empty.mrt")
	whole := recorded()
	for name, text := range map[string][]byte{file: whole, broken: whole[:20], empty: nil} {
		if err := os.WriteFile(name, text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for name, c := range map[string]struct {
		args []string
		want string
	}{
		"text":           {[]string{file}, "169.254.100.1 AS 65001, to 169.254.100.2 AS 64512: Established; messages: 1, routes: 1"},
		"json":           {[]string{file, "-o", "json"}, `"prefix": "10.7.0.0/16"`},
		"too soon":       {[]string{file, "--until", "2026-11-29T01:00:00Z", "-o", "json"}, `"sessions": []`},
		"until":          {[]string{file, "--until", "yesterday"}, `--until "yesterday": want a time`},
		"text, too soon": {[]string{file, "--until", "2026-11-29T01:00:00Z"}, "no messages"},
		"empty":          {[]string{empty}, "the file holds no BGP4MP record"},
		"cut":            {[]string{broken}, "ends in a record"},
		"missing":        {[]string{file + "x"}, "no such file"},
	} {
		t.Run(name, func(t *testing.T) {
			var out bytes.Buffer
			cmd := root()
			cmd.SetArgs(append([]string{"bgp", "replay"}, c.args...))
			cmd.SetOut(&out)
			cmd.SetErr(&out)
			text := ""
			if err := cmd.ExecuteContext(t.Context()); err != nil {
				text = err.Error()
			}
			if !strings.Contains(out.String()+text, c.want) {
				t.Errorf("got %s%s", out.String(), text)
			}
		})
	}
}

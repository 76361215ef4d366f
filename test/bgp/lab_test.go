//go:build interop

package bgp

import (
	"os"
	"os/exec"
	"strings"
	"testing"

	portolan "portolan/test"
)

// TestLab runs the lab of the examples, which waits for what it announces and ends where that does not come.
func TestLab(t *testing.T) {
	t.Parallel()
	cmd := exec.Command("../../examples/bgp/lab", "bird")
	cmd.Env = append(os.Environ(), "PORTOLAN="+portolan.Binary(t))
	out, err := cmd.CombinedOutput()
	text := string(out)
	_, table, _ := strings.Cut(text, "== the table of router 2 itself")
	table, rest, _ := strings.Cut(table, "== disassociated")
	if err != nil || !strings.Contains(table, "10.67.0.0/24") || strings.Contains(table, "10.66.0.0/24") ||
		!strings.Contains(rest, "sent Cease/Peer De-configured (6/3)") || !strings.HasSuffix(text, "== done\n") {
		t.Errorf("%v\n%s", err, text)
	}
}

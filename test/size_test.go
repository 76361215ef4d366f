package test

import (
	"os"
	"testing"
)

// sizeBudget is what the stripped binary may weigh, in bytes. Whatever makes it heavier raises it by what it adds, and
// says so in the commit: 22.6 MB, then backup, checks, the forms a policy comes in with YAML's nodes, HTTPS and the control of
// connections: 25 MB; then AWS's SDK with its configuration chain for import, and the Model Context Protocol; 2.8 MB of etcd's client, live BGP and the console.
// 1.8 MB less since tables share their code, YAML has one library and spans are sent from here; 0.7 MB less since they are made here too,
// 1.7 MB less without the SDK of the Model Context Protocol, 0.7 MB less without those of EventBridge and Direct Connect, 0.4 MB less since
// sorting shares its code, which is what BGP of VPN attachments, tables of a million routes and kept pages brought.
const sizeBudget = 30_050_000

func TestBinary_size(t *testing.T) {
	info, err := os.Stat(Binary(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d bytes", info.Size())
	if info.Size() > sizeBudget {
		t.Errorf("the binary is %d bytes, more than %d", info.Size(), sizeBudget)
	}
}

// TestBinary_looksNoMethodUpByName: one such look-up, in a dependency too, made the binary 35 MB larger.
func TestBinary_looksNoMethodUpByName(t *testing.T) {
	b, err := build()
	if err != nil {
		t.Fatal(err)
	}
	for _, from := range b.reflecting {
		t.Errorf("%s looks a method up by a computed name, so that the linker keeps every method of every type", from)
	}
}

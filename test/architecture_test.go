package test

import (
	"io"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// floors are the layers from top to bottom. A package may import what is below its layer. Packages of one layer do not
// import each other.
var floors = []struct {
	rooms  []string
	reason string
}{
	{[]string{"cmd/portolan", "servertest"}, "wiring only"},
	{[]string{"internal/catalog/ec2"}, "it compiles the SDK of EC2: the command alone wires it"},
	{[]string{"internal/importer"}, "an account of AWS becomes a snapshot: it asks others, and serves nobody"},
	{[]string{"internal/server"}, "HTTP as a whole; it composes what is below"},
	{[]string{"internal/node"}, "the parts of one server put together; no logic"},
	{[]string{"internal/otherservices"}, "services that are not ours: it asks auth who calls, and knows no operation"},
	{[]string{"internal/wire", "internal/auth", "internal/service", "internal/notify", "internal/speaker"}, "shapes, callers, operations and what runs by itself must stay apart: the server joins them"},
	{[]string{"internal/inventory", "internal/network", "internal/gatewaypath", "internal/connectpeer", "internal/nat"}, "what is made of rows and of the catalog; it must not know the operations"},
	{[]string{"internal/report"}, "answers in one document; it must not know who asks"},
	{[]string{"internal/picture"}, "pictures of networks; it must not know who asks"},
	{[]string{"internal/analysis"}, "questions asked of a computed network; it must not know who asks"},
	{[]string{"internal/snapshot"}, "a network as one value, gathered from what is below"},
	{[]string{"internal/state"}, "rows, keys and transactions; it must not know what an operation allows, nor ask outside"},
	{[]string{"internal/bgp/bmp", "internal/bgp/mrt"}, "what sees the messages of BGP sessions; it must not know whose they are"},
	{[]string{"internal/lifecycle", "internal/catalog", "internal/events", "internal/bgp"}, "what operations stand on; it must not know the operations"},
	{[]string{"routing"}, "pure: a network value in, tables out"},
	{[]string{"policy/lsp"}, "what editors ask; what is wrong with a policy is for check and lint to say"},
	{[]string{"policy/lint", "policy/source", "policy/skeleton", "policy/terraform"}, "advice on documents, and the files that hold them; what the language means is for policy to say"},
	{[]string{"policy"}, "pure: bytes in, values out"},
	{[]string{"internal/yamljson", "internal/page", "internal/junit", "internal/otlp", "internal/mcp", "internal/awsjson"}, "one notation as another, and answers as text; they must not know what is written"},
	{[]string{"internal/words"}, "words for messages, nothing else"},
	{[]string{"internal/store/etcd"}, "knows keys and bytes, no networks; beside the store, so that what does not share one compiles no etcd client"},
	{[]string{"internal/store"}, "knows keys and bytes, no networks"},
	{[]string{"internal/console"}, "built files and headers; it must not know who is calling, nor what is asked"},
	{[]string{"internal/failpoint", "internal/order", "internal/prefixmap", "internal/turns"}, "names of places that fail, sorting, maps by prefix, and turns to compute; nothing else"},
	{[]string{"api"}, "the interface; standard library only"},
}

// beside are packages outside the house: tools and suites.
var beside = []string{"internal/apigen", "internal/leaktest", "internal/store/storetest", "internal/store/etcd/etcdtest", "policy/internal/policytest", "test", "test/bgp", "bench", "bench/bgp", "bench/bgp/fulltable", "bench/atquota", "bench/atquota/print", "scripts/release"}

// publicMayUse are the modules that public packages may use beside the standard library: others import them.
var publicMayUse = map[string][]string{
	"api":     nil,
	"policy":  {"github.com/go-json-experiment/json", "go4.org/netipx"},
	"routing": {"github.com/gaissmai/bart", "go4.org/netipx"},
}

func TestArchitecture_importsPointDown(t *testing.T) {
	out, err := exec.Command("go", "list", "-json=ImportPath,Imports", "portolan/...").Output()
	if err != nil {
		t.Fatal(err)
	}
	level := map[string]int{}
	for i, f := range floors {
		for _, room := range f.rooms {
			level[room] = i
		}
	}
	dec := jsontext.NewDecoder(strings.NewReader(string(out)))
	for {
		var p struct {
			ImportPath string
			Imports    []string
		}
		if err := json.UnmarshalDecode(dec, &p); err == io.EOF {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		room := strings.TrimPrefix(p.ImportPath, "portolan/")
		if slices.Contains(beside, room) {
			continue
		}
		mine, ok := level[room]
		if !ok {
			t.Errorf("%s is in no layer: add it to floors, and to docs/architecture.md", room)
			continue
		}
		for _, imported := range p.Imports {
			if other, ours := strings.CutPrefix(imported, "portolan/"); ours {
				if theirs, ok := level[other]; !ok || theirs <= mine {
					t.Errorf("%s imports %s, which is not below it: %s", room, other, floors[mine].reason)
				}
			}
		}
		allowed, public := publicMayUse[room]
		for _, imported := range p.Imports {
			if public && strings.Contains(imported, ".") && !slices.ContainsFunc(allowed, func(m string) bool { return imported == m || strings.HasPrefix(imported, m+"/") }) {
				t.Errorf("%s imports %s: %s is public and pure", room, imported, room)
			}
		}
	}
}

// TestArchitecture_docHasTheLayers: docs/architecture.md draws the layers that the imports are held to, and names all that is
// beside them and every file that a newcomer is sent to.
func TestArchitecture_docHasTheLayers(t *testing.T) {
	text, err := os.ReadFile("../docs/architecture.md")
	if err != nil {
		t.Fatal(err)
	}
	_, drawn, _ := strings.Cut(string(text), "## Layers")
	_, drawn, _ = strings.Cut(drawn, "\n```\n")
	drawn, rest, _ := strings.Cut(drawn, "```\n")
	var layers [][]string
	for group := range strings.SplitSeq(drawn, "   ↓\n") {
		var rooms []string
		for line := range strings.Lines(group) {
			if line[0] != ' ' { // what goes on from the line before
				rooms = append(rooms, strings.TrimSuffix(strings.Fields(line)[0], "/"))
			}
		}
		layers = append(layers, slices.Sorted(slices.Values(rooms)))
	}
	for i, f := range floors {
		if held := slices.Sorted(slices.Values(f.rooms)); i >= len(layers) || !slices.Equal(held, layers[i]) {
			t.Fatalf("layer %d is %q, docs/architecture.md draws %q", i, held, layers[min(i, len(layers)-1)])
		}
	}
	if len(layers) != len(floors) {
		t.Errorf("docs/architecture.md draws %d layers, the imports are held to %d", len(layers), len(floors))
	}
	_, list, _ := strings.Cut(rest, "```\n")
	list, look, _ := strings.Cut(list, "```\n")
	for _, room := range beside {
		if !strings.Contains(list, room+"/") {
			t.Errorf("docs/architecture.md does not say what %s is", room)
		}
	}
	_, look, _ = strings.Cut(look, "## Where to look")
	look, _, _ = strings.Cut(look, "\n## ")
	dir, named := "", 0
	for _, name := range regexp.MustCompile("`([a-z_0-9/*.]+(?:\\.go|/))`").FindAllStringSubmatch(look, -1) {
		pattern := name[1]
		if strings.Contains(pattern, "/") {
			dir = path.Dir(pattern)
		} else {
			pattern = dir + "/" + pattern
		}
		if found, err := filepath.Glob("../" + pattern); err != nil || len(found) == 0 {
			t.Errorf("docs/architecture.md sends to %s, which is not there", pattern)
		}
		named++
	}
	if named < 20 {
		t.Errorf("docs/architecture.md sends to %d files: this test no longer finds them", named)
	}
}

// mayCompileEC2 are the packages that may: the SDK of EC2 takes longer to compile than all the rest.
var mayCompileEC2 = []string{"portolan/cmd/portolan", "portolan/internal/catalog/ec2", "portolan/test"}

func TestArchitecture_fewCompileTheSDKOfEC2(t *testing.T) {
	out, err := exec.Command("go", "list", "-deps", "-test", "-f", `{{if not .Standard}}{{.ImportPath}}{{range .Deps}} {{.}}{{end}}{{end}}`, "portolan/...").Output()
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	for line := range strings.Lines(string(out)) {
		deps := strings.Fields(line)
		if len(deps) == 0 || !strings.HasPrefix(deps[0], "portolan/") {
			continue
		}
		compiles := slices.ContainsFunc(deps, func(d string) bool {
			return strings.HasSuffix(d, "/aws-sdk-go-v2/service/ec2")
		})
		name := strings.TrimSuffix(strings.TrimSuffix(deps[0], ".test"), "_test")
		switch {
		case compiles && !slices.Contains(mayCompileEC2, name):
			t.Errorf("%s compiles the SDK of EC2: ask through internal/catalog, and leave internal/catalog/ec2 to the command", deps[0])
		case compiles:
			found++
		}
	}
	if found == 0 {
		t.Error("no package compiles the SDK of EC2: this test looks for the wrong one")
	}
}

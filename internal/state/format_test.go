package state

import (
	"flag"
	"fmt"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write testdata/format.txt anew")

func row[R any](t Table[R]) (name string, kind reflect.Type) {
	return t.rows.Name(), reflect.TypeFor[R]().Elem()
}

// TestFormat_isWrittenDown: the members of every row are those of testdata/format.txt, which no change of a Go name alters. A new
// optional member is added there (-update); any other difference is a new [Format] and a change of older data.
func TestFormat_isWrittenDown(t *testing.T) {
	var b strings.Builder
	fmt.Fprintf(&b, "format %d\n", Format)
	seen := map[string]bool{}
	write := func(name string, kind reflect.Type) {
		if seen[name] {
			t.Errorf("two tables %s", name)
		}
		seen[name] = true
		fmt.Fprintf(&b, "\n%s\n", name)
		members(&b, "  ", kind)
	}
	write(row(GlobalNetworks.Table))
	write(row(Sites.Table))
	write(row(Devices.Table))
	write(row(Links.Table))
	write(row(Connections.Table))
	write(row(LinkAssociations.Table))
	write(row(CustomerGatewayAssociations.Table))
	write(row(TransitGatewayConnectPeerAssociations.Table))
	write(row(ConnectPeerAssociations.Table))
	write(row(TransitGatewayRegistrations.Table))
	write(row(CoreNetworks.Table))
	write(row(PolicyVersions.Table))
	write(row(policyDocuments))
	write(row(Executions.Table))
	write(row(Changes.Table))
	write(row(PrefixListAssociations.Table))
	write(row(Attachments.Table))
	write(row(Peerings.Table))
	write(row(ConnectPeers.Table))
	write(row(Announcements.Table))
	write(row(PeerBGPs.Table))
	write(row(heardRoutes.Table))
	write(row(ClientTokens.Table))
	write(row(RouteAnalyses.Table))
	write(row(Metadata.Table))
	write(row(OrganizationAccesses.Table))
	write(row(SnapshotImports.Table))
	write(row(RoutesPublished.Table))
	write(row(PublishedPolicies.Table))
	write(row(PublishedAttachments.Table))
	write(row(publishedChanges.Table))
	write(row(Externals.Table))
	write(row(ExternalTables.Table))
	for name := range layoutTables() {
		if !seen[name] {
			t.Errorf("table %s is not written down", name)
		}
	}
	const file = "testdata/format.txt"
	if *update {
		if err := os.WriteFile(file, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if got := b.String(); got != string(want) {
		t.Errorf("what is stored is not what %s says:\n%s", file, firstDifference(got, string(want)))
	}
}

// members writes the JSON members of a type, with those inside.
func members(b *strings.Builder, indent string, kind reflect.Type, in ...reflect.Type) {
	switch kind.Kind() {
	case reflect.Pointer, reflect.Slice:
		if kind.Implements(reflect.TypeFor[interface{ MarshalText() ([]byte, error) }]()) {
			return
		}
		members(b, indent, kind.Elem(), in...)
	case reflect.Map:
		fmt.Fprintf(b, "%s*\n", indent)
		members(b, indent+"  ", kind.Elem(), in...)
	case reflect.Struct:
		if strings.Contains(kind.PkgPath(), "netip") || kind == reflect.TypeFor[Time]() || slices.Contains(in, kind) { // its members stand further out
			return
		}
		for i := range kind.NumField() {
			f := kind.Field(i)
			if !f.IsExported() {
				continue
			}
			name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
			if options == "inline" {
				members(b, indent, f.Type, append(in, kind)...)
				continue
			}
			if name == "" {
				name = f.Name + " (untagged)"
			}
			fmt.Fprintf(b, "%s%s %s\n", indent, name, shape(f.Type))
			members(b, indent+"  ", f.Type, append(in, kind)...)
		}
	}
}

// shape is what a type is in JSON.
func shape(kind reflect.Type) string {
	switch {
	case kind.Kind() == reflect.Pointer:
		return shape(kind.Elem())
	case kind == reflect.TypeFor[Time]():
		return "seconds"
	case kind.Implements(reflect.TypeFor[interface{ MarshalText() ([]byte, error) }]()), kind.Kind() == reflect.String:
		return "text"
	case kind.Kind() == reflect.Slice:
		return "list of " + shape(kind.Elem())
	case kind.Kind() == reflect.Struct, kind.Kind() == reflect.Map:
		return "object"
	case kind.Kind() == reflect.Bool:
		return "bool"
	default:
		return "number"
	}
}

func firstDifference(got, want string) string {
	a, b := strings.Split(got, "\n"), strings.Split(want, "\n")
	for i := range max(len(a), len(b)) {
		var x, y string
		if i < len(a) {
			x = a[i]
		}
		if i < len(b) {
			y = b[i]
		}
		if x != y {
			return fmt.Sprintf("line %d: %q, written down is %q", i+1, x, y)
		}
	}
	return ""
}

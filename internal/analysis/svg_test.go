package analysis_test

import (
	"encoding/xml"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"strings"
	"testing"

	"portolan/internal/analysis"
	"portolan/policy"
	"portolan/routing"
)

var update = flag.Bool("update", false, "write golden files anew")

// parsed reads a picture to the end and returns all text in it, and the names of its elements.
func parsed(t *testing.T, svg string) (text []string, elements map[string]int) {
	t.Helper()
	elements = map[string]int{}
	for d := xml.NewDecoder(strings.NewReader(svg)); ; {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			return text, elements
		}
		if err != nil {
			t.Fatalf("not XML: %v", err)
		}
		switch x := token.(type) {
		case xml.StartElement:
			elements[x.Name.Local]++
		case xml.CharData:
			text = append(text, string(x))
		}
	}
}

func TestSVG_golden(t *testing.T) {
	got := compute(t, inspected).SVG()
	parsed(t, got)
	if *update {
		if err := os.WriteFile("testdata/inspected.svg", []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile("testdata/inspected.svg")
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("the picture has changed: go test ./internal/analysis -run SVG -update, and look at it\n%s", got)
	}
	if again := compute(t, inspected).SVG(); again != got {
		t.Error("a second picture differs")
	}
}

// drawn is a network that only a picture is made of.
func drawn(p *policy.Policy, attachments []routing.Attachment) *analysis.Subject {
	return analysis.New(&routing.Network{Policy: p, Attachments: attachments}, nil)
}

func TestSVG_hostileNames(t *testing.T) {
	for _, name := range []string{
		`</text><script>alert(1)</script>`, `"/><image href="http://example.com/x"/>`, "]]>", "&amp;", "<!--", "\x00\x01\xff", "a\nb", "\u202eabc",
		strings.Repeat("<", 3000), `' onload='alert(1)`,
	} {
		p := &policy.Policy{
			Edges:                 []policy.Edge{{Location: name, ASN: 1}},
			Segments:              []policy.Segment{{Name: name, Edges: []string{name}}, {Name: "other", Edges: []string{name}}},
			NetworkFunctionGroups: []policy.NetworkFunctionGroup{{Name: name, Edges: []string{name}}},
			Insertions:            []policy.Insertion{{Segment: name, With: "other", Group: name}},
		}
		net := drawn(p, []routing.Attachment{{ID: name, Type: name, Segment: name, Edges: []string{name}}})
		text, elements := parsed(t, net.SVG())
		for e := range elements {
			if !strings.Contains(" svg title style rect text path ", " "+e+" ") {
				t.Errorf("%q makes an element %s", name, e)
			}
		}
		if whole := strings.ToValidUTF8(strings.NewReplacer("\x00", "�", "\x01", "�").Replace(name), "�"); len(whole) < 3000 && !strings.Contains(strings.Join(text, ""), whole) {
			t.Errorf("%q is not shown as it is", name)
		}
	}
}

func TestSVG_bounded(t *testing.T) {
	p := &policy.Policy{}
	var attachments []routing.Attachment
	for e := range 30 {
		p.Edges = append(p.Edges, policy.Edge{Location: fmt.Sprintf("edge-%02d", e), ASN: uint32(64512 + e)})
	}
	locations := []string{}
	for _, e := range p.Edges {
		locations = append(locations, e.Location)
	}
	for s := range 40 {
		p.Segments = append(p.Segments, policy.Segment{Name: fmt.Sprintf("segment%02d", s), Edges: locations})
		for other := range s {
			p.Shares = append(p.Shares, policy.Share{From: fmt.Sprintf("segment%02d", s), To: fmt.Sprintf("segment%02d", other)})
		}
	}
	for i := range 5000 {
		attachments = append(attachments, routing.Attachment{
			ID: fmt.Sprintf("attachment-%017x", i), Type: policy.TypeVPC, Segment: p.Segments[i%40].Name, Edges: []string{locations[i/40%30]},
		})
	}
	attachments = append(attachments, routing.Attachment{ID: "one", Type: policy.TypeConnect, Segment: "segment00", Edges: locations[:1], Down: true})
	svg := drawn(p, attachments).SVG()
	text, _ := parsed(t, svg)
	if len(svg) > 600_000 {
		t.Errorf("%d bytes", len(svg))
	}
	all := strings.Join(text, "\n")
	for _, want := range []string{"1 × connect", "5 × vpc", "1 of them down", "660 more lines are not drawn", "5001 attachments"} {
		if !strings.Contains(all, want) {
			t.Errorf("the picture does not say %q", want)
		}
	}
	// Ten times as many attachments make no larger picture.
	for i := range 45000 {
		attachments = append(attachments, routing.Attachment{
			ID: fmt.Sprintf("more-%d", i), Type: policy.TypeVPC, Segment: p.Segments[i%40].Name, Edges: []string{locations[i/40%30]},
		})
	}
	if more := drawn(p, attachments).SVG(); len(more) > len(svg)+20_000 {
		t.Errorf("%d bytes became %d", len(svg), len(more))
	}
}

func TestSVG_empty(t *testing.T) {
	if _, elements := parsed(t, drawn(&policy.Policy{}, nil).SVG()); elements["svg"] != 1 {
		t.Errorf("got %v", elements)
	}
}

func BenchmarkSVG_quota(b *testing.B) {
	p := &policy.Policy{}
	for e := range 30 {
		p.Edges = append(p.Edges, policy.Edge{Location: fmt.Sprintf("edge-%02d", e)})
	}
	for s := range 40 {
		p.Segments = append(p.Segments, policy.Segment{Name: fmt.Sprintf("segment%02d", s)})
	}
	var attachments []routing.Attachment
	for i := range 5000 {
		attachments = append(attachments, routing.Attachment{ID: fmt.Sprint(i), Type: policy.TypeVPC, Segment: p.Segments[i%40].Name, Edges: []string{p.Edges[i/40%30].Location}})
	}
	net := drawn(p, attachments)
	for b.Loop() {
		net.SVG()
	}
}

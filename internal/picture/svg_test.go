package picture_test

import (
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"testing"

	"portolan/internal/analysis"
	"portolan/internal/picture"
	"portolan/internal/snapshot"
	"portolan/policy"
	"portolan/routing"
)

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

func TestSVG_isXMLAndTheSameTwice(t *testing.T) {
	got := picture.Of(computed(t)).SVG()
	if _, elements := parsed(t, got); elements["rect"] < 8 || elements["path"] < 4 {
		t.Errorf("the picture has %v", elements)
	}
	if again := picture.Of(computed(t)).SVG(); again != got {
		t.Error("a second picture differs")
	}
}

// drawn is a network that only a picture is made of.
func drawn(p *policy.Policy, attachments []routing.Attachment) *picture.Picture {
	return picture.Of(analysis.New(&routing.Network{Policy: p, Attachments: attachments}, nil))
}

// computed is the network of a snapshot file of the examples, with a change of its text.
func computed(t testing.TB, replace ...string) *analysis.Subject {
	t.Helper()
	text, err := os.ReadFile("../../examples/network.yaml")
	if err != nil {
		t.Fatal(err)
	}
	s, err := snapshot.Parse([]byte(strings.NewReplacer(replace...).Replace(string(text))))
	if err != nil {
		t.Fatal(err)
	}
	subject, err := analysis.Examine(s, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	return subject
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
	if len(svg) > 640_000 {
		t.Errorf("%d bytes", len(svg))
	}
	all := strings.Join(text, "\n")
	for _, want := range []string{"1 × connect", "5 × vpc", "1 of them without traffic", "660 more lines are not drawn", "5001 attachments"} {
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

// TestPicture_saysEverything: names, prefixes, ends, who is inspected towards whom, static routes, what is associated with
// nothing: in each language.
func TestPicture_saysEverything(t *testing.T) {
	net := computed(t, "{id: a1, type: vpc, edges: [us-east-1], tags: {domain: prod}", "{id: a1, type: vpc, edges: [us-east-1], tags: {domain: prod, Name: NorthernRegionNonProduction01}",
		"tags: {domain: lonely}", "tags: {Domain: lonely}")
	p := picture.Of(net)
	for name, text := range map[string]string{"SVG": p.SVG(), "Mermaid": p.Mermaid(), "DOT": p.DOT()} {
		for _, want := range []string{
			"NorthernRegionNonProduction01", "10.0.0.0/16", "prod ↔ dev, dual-hop", "within prod, dual-hop", "172.16.0.0/12 → blackhole", "isolated", "not associated",
		} {
			if !strings.Contains(text, want) {
				t.Errorf("%s does not say %q:\n%s", name, want, text)
			}
		}
	}
}

// TestBetween_marksWhatChanges: an attachment that moves is gone from one row and new in another.
func TestBetween_marksWhatChanges(t *testing.T) {
	before := computed(t)
	after := computed(t, "tags: {domain: lonely}", "tags: {domain: dev}", "mode: dual-hop", "mode: single-hop", "{name: lonely, req", "{name: alone, req")
	svg := picture.Between(before, after).SVG()
	parsed(t, svg)
	for _, want := range []string{`class="name new">a7<`, `class="name gone">a7<`, `class="head gone">lonely<`, `class="head new">alone<`, `class="send-via new"`, `class="send-via gone"`, `class="name">a1<`} {
		if !strings.Contains(svg, want) {
			t.Errorf("no %s in\n%s", want, svg)
		}
	}
	if same := picture.Between(before, computed(t)).SVG(); strings.Contains(same, ` gone">a`) || strings.Contains(same, ` new">a`) {
		t.Errorf("the same network differs from itself:\n%s", same)
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

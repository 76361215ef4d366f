package importer_test

import (
	"os"
	"strings"
	"testing"

	"portolan/internal/importer"
	"portolan/internal/snapshot"
	"portolan/routing"
)

func load(t *testing.T, file string) *snapshot.Snapshot {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	s, err := snapshot.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestVerify_examplesAgree(t *testing.T) {
	for _, file := range []string{"../../examples/network.yaml"} {
		t.Run(file, func(t *testing.T) { wantEqual(t, load(t, file), nil) })
	}
}

// TestVerify_peersAgree: routes of Connect peers go to the peer whose ASN they begin with.
func TestVerify_peersAgree(t *testing.T) { wantEqual(t, everything(t), nil) }

// TestRead_saysWhereFrom: each prefix has its source, and one that no source shows is in the report.
func TestRead_saysWhereFrom(t *testing.T) {
	im := serve(t, load(t, "../../examples/network.yaml"), nil).read(t)
	for i := range im.Snapshot.Attachments {
		a := &im.Snapshot.Attachments[i]
		for _, n := range a.Announcements {
			if a.Sources[n.Prefix.String()] == "" {
				t.Errorf("%s: %s has no source", a.ID, n.Prefix)
			}
		}
	}
	if len(im.Report.Sources) == 0 || im.Report.Prefixes == 0 {
		t.Errorf("the report has %+v", im.Report)
	}
}

// TestVerify_countsWhatDiffers: a snapshot that differs from the account in one prefix, and one whose engine is set otherwise.
func TestVerify_countsWhatDiffers(t *testing.T) {
	im := serve(t, load(t, "../../examples/network.yaml"), nil).read(t)
	other := *im.Snapshot
	other.Attachments = append([]snapshot.Attachment{}, other.Attachments...)
	for i := range other.Attachments {
		if a := &other.Attachments[i]; len(a.Announcements) > 0 {
			a.Announcements = a.Announcements[1:]
			break
		}
	}
	v, err := im.Verify(t.Context(), &other, nil)
	if err != nil {
		t.Fatal(err)
	}
	if v.Agrees() || v.Missing == 0 || len(v.Differences) == 0 || v.Differences[0].Table == "" {
		t.Errorf("got %s", report(t, v))
	}
}

// TestVerify_saysWhichOptionExplains: the account decides otherwise in one place that AWS does not document.
func TestVerify_saysWhichOptionExplains(t *testing.T) {
	options := routing.DefaultOptions()
	if err := options.Set("sendToRouteType", "PROPAGATED"); err != nil {
		t.Fatal(err)
	}
	snap := sendTo(t)
	im := serve(t, snap, options).read(t)
	v, err := im.Verify(t.Context(), nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	if v.Agrees() || len(v.Explained) == 0 || v.Explained[0] != (importer.Explanation{Setting: "sendToRouteType=PROPAGATED", Differ: 0}) {
		t.Errorf("got %s", report(t, v))
	}
}

// TestVerify_tiesAreApart: the account chose another of two equal paths.
func TestVerify_tiesAreApart(t *testing.T) {
	snap := twins(t)
	options := routing.DefaultOptions()
	options.TieBreak = func(tie routing.Tie) int { return len(tie.Paths) - 1 }
	im := serve(t, snap, options).read(t)
	v, err := im.Verify(t.Context(), nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	if !v.Agrees() || v.Ties == 0 || v.Missing+v.Extra+v.Rerouted > 0 {
		t.Errorf("got %s", report(t, v))
	}
}

const head = `{"version":"2025.11","core-network-configuration":{"asn-ranges":["64512-64600"],"edge-locations":[{"location":"us-east-1"},{"location":"us-west-2"},{"location":"eu-west-1"}]},
"segments":[{"name":"prod","require-attachment-acceptance":false}],"network-function-groups":[{"name":"fw","require-attachment-acceptance":false}],
"attachment-policies":[{"rule-number":1,"conditions":[{"type":"tag-exists","key":"fw"}],"action":{"add-to-network-function-group":"fw"}},
{"rule-number":2,"conditions":[{"type":"any"}],"action":{"association-method":"constant","segment":"prod"}}],"segment-actions":[`

func network(t *testing.T, text string) *snapshot.Snapshot {
	t.Helper()
	s, err := snapshot.Parse([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func sendTo(t *testing.T) *snapshot.Snapshot {
	return network(t, `{"version":1,"account":"111122223333","policy":`+head+
		`{"action":"send-to","segment":"prod","via":{"network-function-groups":["fw"]}}]},"attachments":[
{"id":"attachment-00000000000000001","type":"vpc","edges":["us-east-1"],"tags":{"fw":"1"}},
{"id":"attachment-00000000000000002","type":"vpc","edges":["us-east-1"],"announcements":[{"prefix":"10.0.0.0/16"}]}]}`)
}

func twins(t *testing.T) *snapshot.Snapshot {
	return network(t, `{"version":1,"account":"111122223333","policy":`+head+`]},"attachments":[
{"id":"attachment-00000000000000001","type":"site-to-site-vpn","edges":["us-east-1"],"announcements":[{"prefix":"10.9.0.0/16","asPath":[65001]}]},
{"id":"attachment-00000000000000002","type":"site-to-site-vpn","edges":["us-west-2"],"announcements":[{"prefix":"10.9.0.0/16","asPath":[65001]}]}]}`)
}

// TestPolicy_isDocumented: docs/import.md has the policy as it is printed.
func TestPolicy_isDocumented(t *testing.T) {
	text, err := os.ReadFile("../../docs/import.md")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(text), string(importer.Policy())) {
		t.Errorf("docs/import.md does not have\n%s", importer.Policy())
	}
}

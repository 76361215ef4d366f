package report_test

import (
	"os"
	"strings"
	"testing"

	"portolan/internal/analysis"
	"portolan/internal/report"
	"portolan/internal/snapshot"
)

func examined(t *testing.T, text string, document []byte) *analysis.Subject {
	t.Helper()
	s, err := snapshot.Parse([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	subject, err := analysis.Examine(s, document, nil)
	if err != nil {
		t.Fatal(err)
	}
	return subject
}

func TestReport_isOneDocument(t *testing.T) {
	network, err := os.ReadFile("../../examples/network.yaml")
	if err != nil {
		t.Fatal(err)
	}
	policy, err := os.ReadFile("../../examples/network-open.json")
	if err != nil {
		t.Fatal(err)
	}
	text := strings.Replace(string(network), "tags: {domain: lonely}", "tags: {Name: '<script>x</script>', Domain: lonely}", 1)
	now := examined(t, text, nil)
	var b strings.Builder
	r := report.Report{Title: "network <1>", Now: now, Next: examined(t, text, policy)}
	if err := r.WriteHTML(t.Context(), &b); err != nil {
		t.Fatal(err)
	}
	got := b.String()
	for _, want := range []string{
		"<title>network &lt;1&gt;</title>", "<svg ", "no longer inspected by fw", `<td class="yes">yes via fw</td>`, "not associated: no attachment-policy rule matches",
		"attachment-not-associated", "Findings before the change", "Findings after the change", "1 network function group, ", "&lt;script&gt;", "prod@us-east-1: ", "@media print", "</html>",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("no %s in the report", want)
		}
	}
	for _, bad := range []string{"<script", "http://", "https://", "<link", "<img"} {
		if strings.Contains(strings.ReplaceAll(got, "http://www.w3.org/2000/svg", ""), bad) {
			t.Errorf("%s is in the report", bad)
		}
	}
	var again strings.Builder
	if err := r.WriteHTML(t.Context(), &again); err != nil || again.String() != got {
		t.Errorf("a second report differs: %v", err)
	}
}

package analysis

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"portolan/internal/order"
	"portolan/internal/page"
)

// Matrix is who reaches whom.
type Matrix []MatrixRow

// MatrixRow is a pair of segments or attachments. Of an attachment that carries no traffic To is *, and the first failure says why.
type MatrixRow struct {
	From        string   `json:"from"`
	To          string   `json:"to"`
	Reaches     string   `json:"reaches"` // yes, partly, no, or - when there was nothing to try
	Verdict     string   `json:"verdict,omitempty"`
	Delivered   int      `json:"delivered"`
	Tried       int      `json:"tried"` // addresses
	InspectedBy []string `json:"inspectedBy"`
	Failures    []string `json:"failures"` // the first few

	Names map[string]string `json:"names,omitempty"` // Name tags of attachments, by id
}

// Matrix tries every pair of segments, or of attachments.
func (s *Subject) Matrix(ctx context.Context, attachments bool) (Matrix, error) {
	try := s.SegmentMatrix
	if attachments {
		try = s.AttachmentMatrix
	}
	pairs, err := try(ctx)
	if err != nil {
		return nil, err
	}
	rows := make(Matrix, len(pairs))
	drops := map[string][]string{}
	for i := range pairs {
		r := &pairs[i]
		if r.Partly() {
			if _, known := drops[r.To]; !known {
				drops[r.To] = droppedOf(s, r.To)
			}
			if routed := routedTo(s, r.From, r.To); len(drops[r.To]) > 0 && len(routed) > 0 {
				text := "reachable: " + strings.Join(routed, ", ") + "; not: " + strings.Join(shortened(drops[r.To], maxShown), "; ")
				r.Failures = append([]string{text}, r.Failures...)
			}
		}
		word, _, _ := strings.Cut(reaches(r), ":")
		rows[i] = MatrixRow{
			r.From, r.To, word, string(r.Verdict), r.Delivered, r.Samples, append([]string{}, r.InspectedBy...), append([]string{}, r.Failures...),
			s.namesOf(r.From, r.To),
		}
	}
	for _, idle := range s.idle() {
		a, why := idle.Attachment, idle.why
		rows = append(rows, MatrixRow{
			From: a.ID, To: "*", Reaches: "-", Verdict: why.Check, InspectedBy: []string{}, Failures: []string{cell(why.Sentence())}, Names: s.namesOf(a.ID),
		})
	}
	return rows, nil
}

func reaches(r *Reach) string {
	switch {
	case r.Samples == 0:
		return "-"
	case r.Reaches():
		return "yes"
	case r.Partly():
		return "partly"
	default:
		return "no: " + r.why()
	}
}

// why is what keeps a pair from being reachable, in words.
func (r *Reach) why() string {
	if r.Verdict == WrongTarget {
		return string(r.Verdict) + " (longest match)"
	}
	return string(r.Verdict)
}

// Page is a row for each pair.
func (m Matrix) Page() *page.Page {
	p := &page.Page{}
	rows := make([][]page.Cell, len(m))
	for i := range m {
		r := &m[i]
		verdict, why := r.Reaches, ""
		if verdict == "no" {
			verdict += ": " + (&Reach{Verdict: Verdict(r.Verdict)}).why()
		}
		if len(r.Failures) > 0 {
			why = r.Failures[0]
		}
		rows[i] = []page.Cell{
			{Text: r.From},
			{Text: r.To},
			{Text: verdict, Mark: reachMarks[r.Reaches]},
			{Text: strings.Join(r.InspectedBy, ", ")},
			{Text: why, Mark: page.Faint},
		}
	}
	p.Rows([]string{"FROM", "TO", "REACHABLE", "INSPECTED BY", "REASON"}, rows)
	return p
}

// reachMarks are the colours of a matrix.
var reachMarks = map[string]page.Mark{"yes": page.Good, "partly": page.Warning, "no": page.Bad}

// Diagnosis is what Doctor finds.
type Diagnosis []DiagnosisRow

// DiagnosisRow is a finding: a problem with all that has the same cause.
type DiagnosisRow struct {
	DiagnosisInstance
	Check     string              `json:"check"`
	Severity  Severity            `json:"severity"`
	Count     int                 `json:"count"`               // how often it occurs
	Instances []DiagnosisInstance `json:"instances,omitempty"` // of several: the first of them, at most 1000
}

// DiagnosisInstance is one occurrence of a problem.
type DiagnosisInstance struct {
	Message  string            `json:"message"`
	Detail   []string          `json:"detail,omitempty"`
	Table    string            `json:"table,omitempty"`
	Prefix   string            `json:"prefix,omitempty"`
	Subjects []string          `json:"subjects"`        // attachments, segments, groups
	Names    map[string]string `json:"names,omitempty"` // Name tags of the attachments, by id
	Line     int               `json:"line,omitzero"`   // of the policy
	Path     string            `json:"path,omitempty"`  // of the statement of the policy
	Tag      string            `json:"tag,omitempty"`   // of the first subject, where that is at fault
	Trace    []string          `json:"trace,omitempty"` // what each rule found

	place string
}

// Doctor runs the health checks.
func (s *Subject) Doctor(ctx context.Context) (Diagnosis, error) {
	found, err := s.Findings(ctx)
	if err != nil {
		return nil, err
	}
	rows := make(Diagnosis, len(found))
	for i := range found {
		f := &found[i]
		rows[i] = DiagnosisRow{DiagnosisInstance: instanceOf(s, &f.Instance), Check: f.Name, Severity: severityOf(f.Name), Count: f.Count}
		if f.Count > 1 {
			for j := range f.Instances {
				rows[i].Instances = append(rows[i].Instances, instanceOf(s, &f.Instances[j]))
			}
		}
	}
	order.Stable(rows, func(a, b DiagnosisRow) int {
		return cmp.Compare(slices.Index(Severities(), a.Severity), slices.Index(Severities(), b.Severity))
	})
	return rows, nil
}

func instanceOf(s *Subject, x *Instance) DiagnosisInstance {
	row := DiagnosisInstance{
		Message: x.Message, Detail: x.Detail, Subjects: append([]string{}, x.Subjects...), Names: s.namesOf(x.Subjects...),
		Tag: x.Tag, Trace: x.Trace,
	}
	if x.Tag == "" { // else the fault is at the attachment, and the detail says which rule it misses
		row.place = placeText(x.Place)
	}
	if x.Place.Known() {
		row.Line, row.Path = x.Place.Line(), x.Place.Path()
	}
	if x.Table.Name() != "" {
		row.Table = x.Table.String()
	}
	if x.Prefix.IsValid() {
		row.Prefix = x.Prefix.String()
	}
	return row
}

// Without leaves out the findings of some checks.
func (d Diagnosis) Without(checks ...string) Diagnosis {
	return slices.DeleteFunc(slices.Clone(d), func(r DiagnosisRow) bool { return slices.Contains(checks, r.Check) })
}

// Apart makes each occurrence a finding of its own, with what each rule found.
func (d Diagnosis) Apart() Diagnosis {
	list := Diagnosis{}
	for _, r := range d {
		instances := r.Instances
		r.Instances = nil
		if len(instances) == 0 {
			r.Detail = append(slices.Clone(r.Detail), r.Trace...)
			list = append(list, r)
			continue
		}
		rest := r.Count - len(instances)
		for _, x := range instances {
			x.Detail = append(slices.Clone(x.Detail), x.Trace...)
			list = append(list, DiagnosisRow{DiagnosisInstance: x, Check: r.Check, Severity: r.Severity, Count: 1})
		}
		if rest > 0 {
			list = append(list, DiagnosisRow{
				DiagnosisInstance: DiagnosisInstance{Message: fmt.Sprintf("%d more, of which no details are kept", rest), Subjects: []string{}},
				Check:             r.Check, Severity: r.Severity, Count: rest,
			})
		}
	}
	return list
}

// Worst tells how many findings are as grave as a severity, or graver.
func (d Diagnosis) Worst(least Severity) (n int) {
	for i := range d {
		if d[i].Severity.AtLeast(least) {
			n++
		}
	}
	return n
}

// severityMarks are the colours of severities.
var severityMarks = map[Severity]page.Mark{SeverityError: page.Bad, SeverityWarning: page.Warning, SeverityNote: page.Plain}

// maxAlso bounds the others of a finding that are named; how many more there are is said.
const maxAlso = 20

// Page is an entry for each finding, then how many there are.
func (d Diagnosis) Page() *page.Page {
	p := &page.Page{}
	for i := range d {
		r := &d[i]
		p.Line(severityMarks[r.Severity], "%s %s: %s%s", r.Severity, r.Check, r.Message, r.place)
		for _, line := range r.Detail {
			p.Item(1, page.Faint, "%s", line)
		}
		if text := r.Others(); text != "" {
			p.Item(1, page.Plain, "%s", text)
		}
	}
	summary := strconv.Itoa(len(d)) + " findings"
	var parts []string
	for _, severity := range Severities() {
		n := 0
		for i := range d {
			if d[i].Severity == severity {
				n++
			}
		}
		if n > 0 {
			parts = append(parts, plural(n, string(severity)))
		}
	}
	if len(parts) > 0 {
		summary = plural(len(d), "finding") + ": " + strings.Join(parts, ", ")
	}
	p.Line(page.Strong, "%s", summary)
	return p
}

// Others names what else has the cause of a finding, "" for nothing.
func (r *DiagnosisRow) Others() string {
	if r.Count < 2 {
		return ""
	}
	var also []string
	for i := range r.Instances[1:min(len(r.Instances), maxAlso+1)] {
		x := &r.Instances[i+1]
		text := strings.Join(x.Subjects, " and ")
		if x.Table != "" {
			text = strings.TrimSpace(x.Prefix + " " + x.Table)
		} else if x.Prefix != "" {
			text = strings.TrimSpace(text + " " + x.Prefix)
		}
		if text != "" && !slices.Contains(also, text) {
			also = append(also, text)
		}
	}
	text := fmt.Sprintf("and %d more: %s", r.Count-1, strings.Join(also, ", "))
	if r.Count-1 > maxAlso {
		text += ", … (--all lists them)"
	}
	return text
}

func plural(n int, word string) string {
	if n != 1 {
		word += "s"
	}
	return strconv.Itoa(n) + " " + word
}

// TestReport is what became of a file of assertions.
type TestReport struct {
	Total    int           `json:"total"`
	Holding  int           `json:"holding"`
	Failures []TestFailure `json:"failures"`

	Names map[string]string `json:"names,omitempty"` // Name tags of the attachments in it, by id

	file       string
	assertions []Assertion
	label      func(string) string
}

// TestFailure is an assertion that does not hold.
type TestFailure struct {
	Line   int        `json:"line"`
	Text   string     `json:"text"`
	Reason string     `json:"reason"`
	Path   *WayReport `json:"path,omitempty"` // of a packet that shows it
}

// Test tries the assertions of a file.
func (s *Subject) Test(file string, list []Assertion) *TestReport {
	t := &TestReport{Total: len(list), Failures: []TestFailure{}, file: file, assertions: list, label: s.Label}
	for _, outcome := range s.Assert(list) {
		if outcome.Holds {
			t.Holding++
			continue
		}
		t.Failures = append(t.Failures, TestFailure{outcome.Line, outcome.Text, outcome.Reason, wayReport(outcome.Way)})
		if w := outcome.Way; w != nil {
			for id, name := range s.namesOf(w.From, w.At) {
				if t.Names == nil {
					t.Names = map[string]string{}
				}
				t.Names[id] = name
			}
		}
	}
	return t
}

// Page is what does not hold, each with the packet that shows it, then how many hold.
func (t *TestReport) Page() *page.Page {
	p := &page.Page{}
	for i := range t.Failures {
		f := &t.Failures[i]
		p.Line(page.Bad, "FAIL %s:%d: %s", t.file, f.Line, f.Text)
		p.Item(1, page.Plain, "%s", f.Reason)
		if f.Path != nil {
			f.Path.show(p, 1, "path")
		}
	}
	mark := page.Good
	if len(t.Failures) > 0 {
		mark = page.Bad
	}
	p.Line(mark, "%d of %d assertions hold", t.Holding, t.Total)
	return p
}

package analysis

import (
	"context"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
)

// Matrix is who reaches whom.
type Matrix []MatrixRow

// MatrixRow is a pair of segments or attachments.
type MatrixRow struct {
	From        string   `json:"from"`
	To          string   `json:"to"`
	Reaches     string   `json:"reaches"` // yes, partly, no, or - when there was nothing to try
	Verdict     string   `json:"verdict,omitempty"`
	Delivered   int      `json:"delivered"`
	Tried       int      `json:"tried"` // addresses
	InspectedBy []string `json:"inspectedBy"`
	Failures    []string `json:"failures"` // the first few
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
	for i := range pairs {
		r := &pairs[i]
		word, _, _ := strings.Cut(reaches(r), ":")
		rows[i] = MatrixRow{
			r.From, r.To, word, string(r.Verdict), r.Delivered, r.Samples, append([]string{}, r.InspectedBy...), append([]string{}, r.Failures...),
		}
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

// WriteText writes a line for each pair.
func (m Matrix) WriteText(w io.Writer) error {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "FROM\tTO\tREACHABLE\tINSPECTED BY\tREASON")
	for i := range m {
		r := &m[i]
		verdict, why := r.Reaches, ""
		if verdict == "no" {
			verdict += ": " + (&Reach{Verdict: Verdict(r.Verdict)}).why()
		}
		if len(r.Failures) > 0 {
			why = r.Failures[0]
		}
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\n", r.From, r.To, verdict, strings.Join(r.InspectedBy, ", "), why)
	}
	return table.Flush()
}

// Diagnosis is what Doctor finds.
type Diagnosis []DiagnosisRow

// DiagnosisRow is one finding.
type DiagnosisRow struct {
	Check    string   `json:"check"`
	Message  string   `json:"message"`
	Table    string   `json:"table,omitempty"`
	Prefix   string   `json:"prefix,omitempty"`
	Subjects []string `json:"subjects"`       // attachments, segments, groups
	Line     int      `json:"line,omitzero"`  // of the policy
	Path     string   `json:"path,omitempty"` // of the statement of the policy

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
		rows[i] = DiagnosisRow{Check: f.Name, Message: f.Message, Subjects: append([]string{}, f.Subjects...), place: placeText(f.Place)}
		if f.Place.Known() {
			rows[i].Line, rows[i].Path = f.Place.Line(), f.Place.Path()
		}
		if f.Table.Name() != "" {
			rows[i].Table = f.Table.String()
		}
		if f.Prefix.IsValid() {
			rows[i].Prefix = f.Prefix.String()
		}
	}
	return rows, nil
}

// WriteText writes a line for each finding, then how many there are.
func (d Diagnosis) WriteText(w io.Writer) error {
	var b strings.Builder
	for i := range d {
		fmt.Fprintf(&b, "%s: %s%s\n", d[i].Check, d[i].Message, d[i].place)
	}
	fmt.Fprintf(&b, "%d findings\n", len(d))
	_, err := io.WriteString(w, b.String())
	return err
}

// TestReport is what became of a file of assertions.
type TestReport struct {
	Total    int           `json:"total"`
	Holding  int           `json:"holding"`
	Failures []TestFailure `json:"failures"`

	file string
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
	t := &TestReport{Total: len(list), Failures: []TestFailure{}, file: file}
	for _, outcome := range s.Assert(list) {
		if outcome.Holds {
			t.Holding++
			continue
		}
		t.Failures = append(t.Failures, TestFailure{outcome.Line, outcome.Text, outcome.Reason, wayReport(outcome.Way)})
	}
	return t
}

// WriteText writes what does not hold, each with the packet that shows it, then how many hold.
func (t *TestReport) WriteText(w io.Writer) error {
	var b strings.Builder
	for i := range t.Failures {
		f := &t.Failures[i]
		fmt.Fprintf(&b, "%s:%d: %s\n  %s\n", t.file, f.Line, f.Text, f.Reason)
		if f.Path != nil {
			f.Path.write(&b, "  path")
		}
	}
	fmt.Fprintf(&b, "%d of %d assertions hold\n", t.Holding, t.Total)
	_, err := io.WriteString(w, b.String())
	return err
}

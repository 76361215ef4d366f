package importer_test

import (
	"testing"

	"portolan/bench/atquota"
	"portolan/internal/importer"
)

// BenchmarkRead_fullQuota reads the largest network that AWS allows from a server of this process.
func BenchmarkRead_fullQuota(b *testing.B) {
	r := serve(b, atquota.Full.Snapshot(), nil)
	if _, err := importer.Read(b.Context(), r.config()); err != nil { // the server computes its routes once
		b.Fatal(err)
	}
	b.ResetTimer()
	var im *importer.Import
	for b.Loop() {
		var err error
		if im, err = importer.Read(b.Context(), r.config()); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(im.Report.Calls)/float64(im.Report.Tables), "calls/table")
	b.ReportMetric(float64(im.Report.Calls), "calls")
}

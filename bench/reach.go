package main

import (
	"bufio"
	"bytes"
	"log"
	"os/exec"
	"strconv"
	"strings"
)

// reach measures what people wait for outside the API: a live network that is read, a call that is passed on, an editor's
// question. They are the benchmarks of their packages.
func (b *bench) reach() {
	b.printf("## Import, upstream, editor\n\n| what | measured, ms | goal, ms |\n| --- | ---: | ---: |\n")
	imported := goBenchmark("portolan/internal/importer", "BenchmarkRead_fullQuota", "1x")
	b.printf("| import of a network at full quota, with %s calls a table | %.0f | 30,000 |\n",
		strconv.FormatFloat(imported["calls/table"], 'f', 2, 64), imported["ns/op"]/1e6)
	through := goBenchmark("portolan/internal/otherservices", "BenchmarkServeHTTP_passesOn/through", "2000x")
	upstream := goBenchmark("portolan/internal/otherservices", "BenchmarkServeHTTP_passesOn/upstream", "2000x")
	b.printf("| a call passed on to an upstream, beyond the call to the upstream itself | %.2f | 1 |\n", (through["ns/op"]-upstream["ns/op"])/1e6)
	editor := goBenchmark("portolan/policy/lsp", "BenchmarkServe_answer1MB", "20x")
	b.printf("| the language server opens a policy of 1 MB and completes in it | %.0f | 50 |\n\n", editor["ns/op"]/1e6)
}

// goBenchmark runs one benchmark of a package and gives its figures by unit.
func goBenchmark(pkg, name, times string) map[string]float64 {
	exact := "^" + strings.ReplaceAll(name, "/", "$/^") + "$"
	out, err := exec.Command("go", "test", "-vet=off", "-run", "^$", "-bench", exact, "-benchtime", times, pkg).CombinedOutput()
	if err != nil {
		log.Fatalf("go test %s: %v\n%s", pkg, err, out)
	}
	figures := map[string]float64{}
	for lines := bufio.NewScanner(bytes.NewReader(out)); lines.Scan(); {
		f := strings.Fields(lines.Text())
		if len(f) < 4 || !strings.HasPrefix(f[0], name) {
			continue
		}
		for i := 2; i+1 < len(f); i += 2 {
			figures[f[i+1]], _ = strconv.ParseFloat(f[i], 64)
		}
	}
	if figures["ns/op"] == 0 {
		log.Fatalf("%s printed nothing of %s:\n%s", pkg, name, out)
	}
	return figures
}

package store

import (
	"bufio"
	"io"

	"github.com/go-json-experiment/json/jsontext"
)

// Dump writes everything in r to w, in key order, one JSON object per line: {"key":"/acct/1","value":…}. A value that is
// not JSON becomes {"key":…,"bytes":"…"} with its bytes as a JSON string, invalid UTF-8 replaced.
func Dump(r Reader, w io.Writer) error {
	out := bufio.NewWriter(w)
	var line []byte
	for key, value := range r.Scan("", "") {
		line = append(line[:0], `{"key":`...)
		line, _ = jsontext.AppendQuote(line, key) // its error means replaced bytes
		if v := jsontext.Value(value); v.IsValid() {
			line = append(append(line, `,"value":`...), value...)
		} else {
			line, _ = jsontext.AppendQuote(append(line, `,"bytes":`...), value)
		}
		if _, err := out.Write(append(line, "}\n"...)); err != nil {
			return err
		}
	}
	return out.Flush()
}

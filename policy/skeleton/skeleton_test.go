package skeleton_test

import (
	"strings"
	"testing"

	"portolan/policy"
	"portolan/policy/lint"
	"portolan/policy/skeleton"
)

func TestDocument_passesCheckAndLint(t *testing.T) {
	for _, s := range skeleton.All() {
		for _, regions := range [][]string{nil, {"eu-west-1"}, {"eu-west-1", "eu-north-1", "ap-south-1"}} {
			text, err := skeleton.Document(s.Name, regions)
			if err != nil {
				t.Errorf("%s %v: %v", s.Name, regions, err)
				continue
			}
			doc, errs := policy.Parse(text)
			if len(errs) > 0 {
				t.Fatal(errs)
			}
			if findings, err := lint.Run(doc, nil, lint.Options{}); err != nil || len(findings) > 0 {
				t.Errorf("%s %v: %+v, %v", s.Name, regions, findings, err)
			}
			for _, r := range regions {
				if !strings.Contains(string(text), r) {
					t.Errorf("%s has no %s", s.Name, r)
				}
			}
			if len(regions) > 0 && strings.Contains(string(text), "us-east-1") {
				t.Errorf("%s keeps us-east-1 with %v", s.Name, regions)
			}
		}
	}
}

func TestDocument_refuses(t *testing.T) {
	if _, err := skeleton.Document("mesh", nil); err == nil || !strings.Contains(err.Error(), "there are segments, inspection,") {
		t.Errorf("got %v", err)
	}
	if _, err := skeleton.Document("segments", []string{"Dublin"}); err == nil || !strings.Contains(err.Error(), "must be the code of a Region") {
		t.Errorf("got %v", err)
	}
}

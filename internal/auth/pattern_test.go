package auth

import (
	"regexp"
	"strings"
	"testing"
)

func TestGlobARN_fields(t *testing.T) {
	const vpc = "arn:aws:ec2:us-west-2:123456789012:vpc/vpc-1"
	const group = "arn:aws:logs:us-west-2:123456789012:log-group:/a:log-stream:b"
	for _, c := range []struct {
		pattern, arn string
		want         bool
	}{
		{vpc, vpc, true},
		{"arn:aws:ec2:*:*:vpc/*", vpc, true},
		{"arn:*:ec2:us-west-?:1234567890??:vpc/vpc-?", vpc, true},
		{"*:*:*:*:*:*", vpc, true},
		{"arn:aws:ec2:us-west-2:123456789012:", vpc, false},
		{"arn:aws:ec2:us-west-2:123456789012:VPC/vpc-1", vpc, false},
		{"arn:aws:ec2:*:vpc/vpc-1", vpc, false}, // five fields
		{"arn:aws:ec2:*", vpc, false},
		{"arn:aws:ec2:*", "arn:aws:ec2:x", false},
		{"*:vpc/vpc-1", vpc, false},
		{"arn*vpc-1", vpc, false},
		{"*", vpc, false},
		{"", vpc, false},
		{"arn:aws:*:us-west-2:123456789012:vpc/vpc-1", "arn:aws:ec2:eu:us-west-2:123456789012:vpc/vpc-1", false}, // a field more
		{"arn:aws:ec2:??:*:vpc/*", "arn:aws:ec2:a:b:c:vpc/x", false},                                             // ? is no colon
		{"arn:aws:ec2::*:vpc/*", vpc, false},
		{"arn:aws:iam::*:user/*", "arn:aws:iam::123456789012:user/a/b", true},
		{"arn:aws:logs:*:*:log-group:*", group, true}, // the last field has the other colons
		{"arn:aws:logs:*:*:*:b", group, true},
		{"arn:aws:logs:*:*:*", group, true},
		{"arn:aws:logs:*:*:log-group", group, false},
	} {
		p, err := newPattern(c.pattern, true, false)
		if err != nil {
			t.Fatal(err)
		}
		if got := globARN(p.glyphs, c.arn); got != c.want {
			t.Errorf("%q of %q: %v", c.pattern, c.arn, got)
		}
	}
}

func TestNewResource_completed(t *testing.T) {
	const site = "arn:aws:networkmanager::123456789012:site/gn-1/site-1"
	for _, c := range []struct {
		pattern, resource string
		want              bool
	}{
		{"arn:aws:networkmanager", site, true},
		{"arn:aws:networkmanager:*", site, true},
		{"arn:*", site, true},
		{"arn:aws:networkmanager::123456789012", site, true},
		{"arn:aws:networkmanager::1", site, false},
		{"arn:aws:networkmanager:*:site/gn-1/site-1", site, false}, // its last field is the account
		{"*", site, true},
		{"*", "*", true},
		{"arn:*", "*", false},
		{"*site/gn-1/*", site, true},
	} {
		p, err := newResource(c.pattern, true)
		if err != nil {
			t.Fatal(err)
		}
		if got := p.names(p.glyphs, c.resource); got != c.want {
			t.Errorf("%q of %q: %v", c.pattern, c.resource, got)
		}
	}
}

// FuzzGlobARN compares with regular expressions, one for each field.
func FuzzGlobARN(f *testing.F) {
	f.Add("arn:aws:ec2:*:*:vpc/*", "arn:aws:ec2:us-west-2:123456789012:vpc/vpc-1")
	f.Add("arn:aws:ec2:*:vpc/v?c-1", "arn:aws:ec2:us-west-2:123456789012:vpc/vpc-1")
	f.Add("*:*:*:?:*:*:x*", "arn:aws:logs:r:1:a:xyz")
	f.Add("a*b*:::::**", "aüb:::::")
	f.Add(":::::*a?c*d??*e*", ":::::xaaaacddddde")
	f.Add(":::::*"+strings.Repeat("a?", 40)+"b*c", ":::::"+strings.Repeat("aü", 90)+"bxc")
	f.Add(":::::*\uFFFD*?", ":::::a\xffb")
	f.Fuzz(func(t *testing.T, pattern, arn string) {
		p, err := newPattern(pattern, true, false)
		if err != nil || len(arn) > 1000 {
			return
		}
		patterns, fields := strings.SplitN(pattern, ":", arnFields), strings.SplitN(arn, ":", arnFields)
		want := len(patterns) == arnFields && len(fields) == arnFields
		for i := 0; want && i < arnFields; i++ {
			// Bytes that are no UTF-8 are the one replacement character, as where policies are matched.
			text := regexp.QuoteMeta(string([]rune(patterns[i])))
			text = strings.NewReplacer(`\*`, "(?s:.*)", `\?`, "(?s:.)").Replace(text)
			want = regexp.MustCompile("^" + text + "$").MatchString(string([]rune(fields[i])))
		}
		if got := globARN(p.glyphs, arn); got != want {
			t.Fatalf("%q of %q: %v", pattern, arn, got)
		}
	})
}

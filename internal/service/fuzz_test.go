package service

import (
	"strings"
	"testing"

	"portolan/api"
)

func FuzzParseARN(f *testing.F) {
	for _, seed := range []string{
		"arn:aws:ec2:eu-west-1:111122223333:vpc/vpc-0123456789abcdef0",
		"arn:aws:networkmanager::111122223333:device/global-network-0/device-0",
		"arn:aws-cn:directconnect::111122223333:dx-gateway/8384da05-13ce-4a91-aada-5a1baEXAMPLE",
		"arn:aws:ec2:::/", "arn:::::", "arn:aws:ec2:eu-west-1:111122223333:vpc//x", "arn", "", "a\x00rn:b:c:d:e:f/g",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		a, ok := parseARN(text)
		if !ok {
			if a.text != "" || a.id() != "" {
				t.Errorf("refused and yet %+v", a)
			}
			return
		}
		path := strings.Join(append([]string{a.resourceType}, a.path...), "/")
		if again := "arn:" + a.partition + ":" + a.service + ":" + a.region + ":" + a.account + ":" + path; again != text || a.text != text {
			t.Errorf("%q comes back as %q", text, again)
		}
		if a.resourceType == "" || a.service == "" {
			t.Errorf("%q has no type or service: %+v", text, a)
		}
		if a.is("ec2", "vpc", "vpc-") && !strings.HasSuffix(text, ":vpc/"+a.id()) {
			t.Errorf("%q is no VPC", text)
		}
	})
}

func FuzzPageToken(f *testing.F) {
	v := &View{caller: api.Caller{Account: "111122223333"}}
	p, err := v.newPager(nil, nil, "GetSites", "gn")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(p.token("/acct/111122223333/site/gn/site-1"), "GetSites")
	f.Add(p.token(""), "GetSites")
	f.Add(p.token("x"), "GetDevices")
	f.Add("", "")
	f.Add("AAAAAAAAAAAAAAAAAAAAAAAA", "GetSites")
	f.Fuzz(func(t *testing.T, token, operation string) {
		p, err := v.newPager(nil, &token, operation, "gn")
		if err != nil {
			return
		}
		if token == "" {
			if p.after != "" {
				t.Errorf("no token, and yet after %q", p.after)
			}
			return
		}
		// A token that is taken was made by this query, for this place.
		if again := p.token(p.after); again != strings.TrimRight(token, "\r\n") && again != token {
			t.Errorf("%q is taken, but its own is %q", token, again)
		}
		other := &View{caller: api.Caller{Account: "444455556666"}}
		if _, err := other.newPager(nil, &token, operation, "gn"); err == nil {
			t.Errorf("%q is taken from another account", token)
		}
	})
}

package state

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
		a, ok := ParseARN(text)
		if !ok {
			if a.Text != "" || a.ID() != "" {
				t.Errorf("refused and yet %+v", a)
			}
			return
		}
		path := strings.Join(append([]string{a.ResourceType}, a.Path...), "/")
		if again := "arn:" + a.Partition + ":" + a.Service + ":" + a.Region + ":" + a.Account + ":" + path; again != text || a.Text != text {
			t.Errorf("%q comes back as %q", text, again)
		}
		if a.ResourceType == "" || a.Service == "" {
			t.Errorf("%q has no type or service: %+v", text, a)
		}
		if a.Is("ec2", "vpc", "vpc-") && !strings.HasSuffix(text, ":vpc/"+a.ID()) {
			t.Errorf("%q is no VPC", text)
		}
	})
}

func FuzzPageToken(f *testing.F) {
	v := &View{Caller: api.Caller{Account: "111122223333"}, db: &DB{pageKey: pageKey{1}}}
	p, err := v.Pager(nil, nil, "GetSites", "gn")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(p.token("/acct/111122223333/site/gn/site-1"), "GetSites")
	f.Add(p.token(""), "GetSites")
	f.Add(p.token("x"), "GetDevices")
	f.Add("", "")
	f.Add("AAAAAAAAAAAAAAAAAAAAAAAA", "GetSites")
	f.Fuzz(func(t *testing.T, token, operation string) {
		p, err := v.Pager(nil, &token, operation, "gn")
		if err != nil {
			return
		}
		if token == "" {
			if p.After != "" {
				t.Errorf("no token, and yet after %q", p.After)
			}
			return
		}
		// A token that is taken was made by this query, for this place.
		if again := p.token(p.After); again != token {
			t.Errorf("%q is taken, but its own is %q", token, again)
		}
		other := &View{Caller: api.Caller{Account: "444455556666"}, db: v.db}
		if _, err := other.Pager(nil, &token, operation, "gn"); err == nil {
			t.Errorf("%q is taken from another account", token)
		}
		elsewhere := &View{Caller: v.Caller, db: &DB{pageKey: pageKey{2}}}
		if _, err := elsewhere.Pager(nil, &token, operation, "gn"); err == nil {
			t.Errorf("%q is taken by another store", token)
		}
	})
}

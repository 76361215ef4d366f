package state

import "strings"

// ARN is "arn:PARTITION:SERVICE:REGION:ACCOUNT:TYPE/ID…", split.
type ARN struct {
	Text                                string
	Partition, Service, Region, Account string
	ResourceType                        string   // before the first slash
	Path                                []string // after it
}

// ParseARN splits an ARN; false when the text is none.
func ParseARN(text string) (ARN, bool) {
	f := strings.SplitN(text, ":", 6)
	if len(f) != 6 || f[0] != "arn" || f[1] == "" || f[2] == "" || f[5] == "" {
		return ARN{}, false
	}
	parts := strings.Split(f[5], "/")
	for _, p := range parts {
		if p == "" {
			return ARN{}, false
		}
	}
	return ARN{Text: text, Partition: f[1], Service: f[2], Region: f[3], Account: f[4], ResourceType: parts[0], Path: parts[1:]}, true
}

// ID is the last part of the resource, such as "vpc-0123".
func (a ARN) ID() string {
	if len(a.Path) == 0 {
		return ""
	}
	return a.Path[len(a.Path)-1]
}

// Is tells whether a names one resource of the type with an id that starts with prefix.
func (a ARN) Is(service, resourceType, prefix string) bool {
	return a.Service == service && a.ResourceType == resourceType && len(a.Path) == 1 && strings.HasPrefix(a.Path[0], prefix) &&
		len(a.Path[0]) > len(prefix)
}

// AccountOf is the account in an ARN.
func AccountOf(text string) string {
	a, _ := ParseARN(text)
	return a.Account
}

// ARN is the ARN of a resource of the caller: Network Manager's have no Region.
func (v *View) ARN(path ...string) string {
	return "arn:" + v.Caller.Partition + ":networkmanager::" + v.Caller.Account + ":" + strings.Join(path, "/")
}

// Sibling is the ARN of a resource beside the one with the given ARN, in the same account.
func Sibling(text string, path ...string) string {
	a, _ := ParseARN(text)
	return "arn:" + a.Partition + ":networkmanager::" + a.Account + ":" + strings.Join(path, "/")
}

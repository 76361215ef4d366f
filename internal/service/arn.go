package service

import "strings"

// arn is "arn:PARTITION:SERVICE:REGION:ACCOUNT:TYPE/ID…", split.
type arn struct {
	text                                string
	partition, service, region, account string
	resourceType                        string   // before the first slash
	path                                []string // after it
}

func parseARN(text string) (arn, bool) {
	f := strings.SplitN(text, ":", 6)
	if len(f) != 6 || f[0] != "arn" || f[1] == "" || f[2] == "" || f[5] == "" {
		return arn{}, false
	}
	parts := strings.Split(f[5], "/")
	for _, p := range parts {
		if p == "" {
			return arn{}, false
		}
	}
	return arn{text: text, partition: f[1], service: f[2], region: f[3], account: f[4], resourceType: parts[0], path: parts[1:]}, true
}

// id is the last part of the resource, such as "vpc-0123".
func (a arn) id() string {
	if len(a.path) == 0 {
		return ""
	}
	return a.path[len(a.path)-1]
}

// is tells whether a names one resource of the type with an id that starts with prefix.
func (a arn) is(service, resourceType, prefix string) bool {
	return a.service == service && a.resourceType == resourceType && len(a.path) == 1 && strings.HasPrefix(a.path[0], prefix) &&
		len(a.path[0]) > len(prefix)
}

// arnOf is the ARN of a resource of the caller: Network Manager's have no Region.
func (v *View) arnOf(path ...string) string {
	return "arn:" + v.caller.Partition + ":networkmanager::" + v.caller.Account + ":" + strings.Join(path, "/")
}

// sibling is the ARN of a resource beside the one with the given ARN, in the same account.
func sibling(text string, path ...string) string {
	a, _ := parseARN(text)
	return "arn:" + a.partition + ":networkmanager::" + a.account + ":" + strings.Join(path, "/")
}

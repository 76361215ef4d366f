package auth

import (
	"crypto/subtle"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"
	"sync/atomic"
	"time"
)

const (
	maxCredentialsFile = 16 << 20
	maxSecret          = 1 << 10
)

// Credentials are the access keys a server knows. They print as their number.
type Credentials struct {
	// Warnings are what the operator should be told, such as a file that others may read.
	Warnings []string

	keys map[string]*credential
}

// credential is one access key with what it may do.
type credential struct {
	id, secret, token            string
	expires                      time.Time
	account, partition, arn      string
	principalType, name, roleARN string // name of a user; ARN of an assumed role
	policies                     []*Policy
	operator                     bool // may control all accounts

	last atomic.Pointer[scopedKey]
}

// Len is the number of access keys.
func (c *Credentials) Len() int { return len(c.keys) }

func (c *Credentials) String() string {
	if len(c.keys) == 1 {
		return "1 access key"
	}
	return fmt.Sprintf("%d access keys", len(c.keys))
}

// LogValue is the number of keys.
func (c *Credentials) LogValue() slog.Value { return slog.StringValue(c.String()) }

// Format keeps every verb from looking inside.
func (c *Credentials) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, c.String()) }

// LoadCredentials reads a credentials file, see [ParseCredentials]. A file that its group or others can read loads with
// a warning.
func LoadCredentials(path string) (*Credentials, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("the credentials cannot be read: %w", err)
	}
	defer func() { _ = f.Close() }() // nothing was written
	info, err := f.Stat()
	if err != nil {
		return nil, fmt.Errorf("the credentials cannot be read: %w", err)
	}
	data, err := io.ReadAll(io.LimitReader(f, maxCredentialsFile+1))
	if err != nil {
		return nil, fmt.Errorf("the credentials cannot be read: %w", err)
	}
	c, err := ParseCredentials(data)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	if info.Mode().IsRegular() && info.Mode().Perm()&0o077 != 0 {
		c.Warnings = append(c.Warnings, fmt.Sprintf("%s can be read by others than its owner (mode %04o): chmod 600 %s", path, info.Mode().Perm(), path))
	}
	return c, nil
}

// ParseCredentials reads credentials, a JSON list with an object per access key:
//
//	[
//	  {
//	    "accessKeyId": "AKIAIOSFODNN7EXAMPLE",
//	    "secretAccessKey": "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
//	    "sessionToken": "…",                 temporary credentials only
//	    "expires": "2027-01-01T00:00:00Z",   RFC 3339, temporary credentials only; without it they do not expire
//	    "account": "123456789012",
//	    "principalArn": "arn:aws:iam::123456789012:user/alice",
//	    "operator": true,                    may also back up and reset what all accounts have
//	    "policies": [ {"Version": "2012-10-17", "Statement": […]} ]
//	  }
//	]
//
// The principal is a user, a role, an assumed role, a federated user or the account's root. Policies are IAM identity
// policies, see [ParsePolicy]; without one nothing is allowed, except to root, who has none and may do everything. The
// partition of the principal's ARN is that of the ARNs the caller sees.
//
// Members that are not in this list, or are there twice, are refused. The error is a [FileError]; it never shows a
// secret.
func ParseCredentials(data []byte) (*Credentials, error) {
	if len(data) > maxCredentialsFile {
		return nil, fmt.Errorf("this is longer than %d bytes", maxCredentialsFile)
	}
	root, err := parseJSON(data)
	if err == nil {
		err = root.is('[', "the file")
	}
	if err != nil {
		return nil, placed(data, err)
	}
	c := &Credentials{keys: map[string]*credential{}}
	for _, item := range root.items {
		key, err := parseCredential(item)
		if err == nil && c.keys[key.id] != nil {
			err = item.problem("the access key %q is there twice", key.id)
		}
		if err != nil {
			return nil, placed(data, err)
		}
		c.keys[key.id] = key
	}
	return c, nil
}

func parseCredential(n *node) (*credential, error) {
	if err := n.is('{', "an access key"); err != nil {
		return nil, err
	}
	c, seen := &credential{}, map[string]*node{}
	for i := range n.members {
		m := &n.members[i]
		seen[m.name] = m.value
		var err error
		switch m.name {
		case "accessKeyId":
			c.id, err = m.accepted(isAccessKeyID, "1 to 128 letters, digits and underscores")
		case "secretAccessKey":
			c.secret, err = m.accepted(isSecret, "1 to 1024 characters")
		case "sessionToken":
			c.token, err = m.accepted(isToken, "1 to 16384 printable characters without spaces")
		case "account":
			c.account, err = m.accepted(isAccount, "12 digits")
		case "principalArn":
			if err = m.value.is('"', m.name); err == nil {
				err = c.setPrincipal(m.value)
			}
		case "expires":
			if err = m.value.is('"', m.name); err == nil {
				if c.expires, err = time.Parse(time.RFC3339, m.value.text); err != nil {
					err = m.value.problem("expires must be a time such as 2027-01-01T00:00:00Z")
				}
			}
		case "operator":
			if err = m.value.is('t', m.name); err == nil {
				c.operator = m.value.text == "true"
			}
		case "policies":
			c.policies, err = parsePolicies(m.value)
		default:
			err = m.problem("%q is no member of an access key", shown(m.name))
		}
		if err != nil {
			return nil, err
		}
	}
	for _, name := range []string{"accessKeyId", "secretAccessKey", "account", "principalArn"} {
		if seen[name] == nil {
			return nil, n.problem("%s is missing", name)
		}
	}
	switch {
	case seen["expires"] != nil && c.token == "":
		return nil, seen["expires"].problem("only credentials with a sessionToken expire")
	case strings.Split(c.arn, ":")[4] != c.account:
		return nil, seen["principalArn"].problem("principalArn is of another account than %s", c.account)
	case c.principalType == "Account" && len(c.policies) > 0:
		return nil, seen["policies"].problem("root may do everything and has no policies: name a user or a role")
	case c.principalType == "Account":
		c.policies = []*Policy{everything}
	}
	return c, nil
}

// accepted is the member's text if it passes. The complaint does not repeat it.
func (m *member) accepted(pass func(string) bool, want string) (string, error) {
	if err := m.value.is('"', m.name); err != nil {
		return "", err
	}
	if !pass(m.value.text) {
		return "", m.value.problem("%s must be %s", m.name, want)
	}
	return m.value.text, nil
}

func isAccessKeyID(s string) bool {
	for _, c := range s {
		if c >= 0x80 || c != '_' && (!unreserved(byte(c)) || strings.ContainsRune("-.~", c)) {
			return false
		}
	}
	return s != "" && len(s) <= 128
}

func isSecret(s string) bool { return s != "" && len(s) <= maxSecret }

// isToken demands what a header can carry unchanged.
func isToken(s string) bool {
	return s != "" && len(s) <= maxToken && !strings.ContainsFunc(s, func(c rune) bool { return c <= ' ' || c > '~' })
}

func parsePolicies(n *node) ([]*Policy, error) {
	if err := n.is('[', "policies"); err != nil {
		return nil, err
	}
	var list []*Policy
	for i, item := range n.items {
		p, err := newPolicy(item, false)
		if err != nil {
			return nil, err
		}
		if p.Name == "" {
			p.Name = fmt.Sprintf("policies[%d]", i)
		}
		list = append(list, p)
	}
	return list, nil
}

// setPrincipal takes the ARN apart.
func (c *credential) setPrincipal(n *node) error {
	wrong := n.problem("principalArn must be arn:PARTITION:iam::ACCOUNT:user/NAME, :role/NAME or :root, or " +
		"arn:PARTITION:sts::ACCOUNT:assumed-role/ROLE/SESSION or :federated-user/NAME")
	f := strings.Split(n.text, ":")
	if len(f) != 6 || len(n.text) > 2048 || f[0] != "arn" || f[3] != "" || !isAccount(f[4]) {
		return wrong
	}
	if f[1] != "aws" && f[1] != "aws-us-gov" && f[1] != "aws-cn" {
		return n.problem("the partition of principalArn must be aws, aws-us-gov or aws-cn")
	}
	c.arn, c.partition = n.text, f[1]
	parts := strings.Split(f[5], "/")
	for _, part := range parts {
		if part == "" || strings.ContainsFunc(part, func(r rune) bool { return r <= ' ' || r > '~' }) {
			return wrong
		}
	}
	switch kind := f[2] + ":" + parts[0]; {
	case kind == "iam:root" && len(parts) == 1:
		c.principalType = "Account"
	case kind == "iam:user" && len(parts) >= 2:
		c.principalType, c.name = "User", parts[len(parts)-1]
	case kind == "iam:role" && len(parts) >= 2:
		c.principalType = "AssumedRole"
	case kind == "sts:assumed-role" && len(parts) == 3:
		c.principalType = "AssumedRole"
		c.roleARN = "arn:" + f[1] + ":iam::" + f[4] + ":role/" + parts[1]
	case kind == "sts:federated-user" && len(parts) == 2:
		c.principalType = "FederatedUser"
	default:
		return wrong
	}
	return nil
}

// checkToken demands exactly the session token of the key, and none for a key without.
func (c *credential) checkToken(token string, now time.Time) error {
	if subtle.ConstantTimeCompare([]byte(c.token), []byte(token)) != 1 {
		return unrecognizedClient(errWrongToken)
	}
	if !c.expires.IsZero() && !now.Before(c.expires) {
		return expiredToken()
	}
	return nil
}

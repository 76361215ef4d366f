package auth

import (
	"context"
	"net/http"
	"regexp"
	"strings"
	"sync"
	"time"

	"portolan/api"
)

// RoleKeys are the keys that somebody gets for a role.
type RoleKeys struct {
	AccessKeyID, SecretAccessKey, SessionToken string

	ARN     string    // of the session: arn:aws:sts::111122223333:assumed-role/NAME/SESSION
	Expires time.Time // zero: the keys do not expire
}

// InvalidSTS is the error of STS for a parameter: a ValidationError of status 400.
func InvalidSTS(member, what string) error {
	return &api.GenericError{
		Status: http.StatusBadRequest, Type: "ValidationException",
		Message: "1 validation error detected: Value at '" + member + "' failed to satisfy constraint: " + what,
	}
}

var (
	roleARN = sync.OnceValue(func() *regexp.Regexp {
		return regexp.MustCompile(`^arn:(aws|aws-us-gov|aws-cn):iam::([0-9]{12}):role/(?:[\x21-\x7e]+/)?([\w+=,.@-]{1,64})$`)
	})
	sessionName = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[\w+=,.@-]{2,64}$`) })
)

// AssumeRole gives the keys of a role. Where any credentials are accepted they are those of the role's account. With a
// credentials file they are the first of the file, by access key, whose principal is the role or a session of it, for a
// caller whose policies allow sts:AssumeRole on the role: that the file has a key for the role stands for its trust policy.
func (a *Authorizer) AssumeRole(by *Authenticator, p *Principal, arn, session string) (*RoleKeys, error) {
	if len(arn) > 2048 || !roleARN().MatchString(arn) {
		return nil, InvalidSTS("roleArn", "Member must be an ARN such as arn:aws:iam::111122223333:role/NAME")
	}
	if !sessionName().MatchString(session) {
		return nil, InvalidSTS("roleSessionName", `Member must satisfy regular expression pattern: [\w+=,.@-]{2,64}`)
	}
	f := roleARN().FindStringSubmatch(arn)
	keys := &RoleKeys{ARN: "arn:" + f[1] + ":sts::" + f[2] + ":assumed-role/" + f[3] + "/" + session}
	credentials := by.credentials.Load()
	if credentials == nil {
		keys.AccessKeyID, keys.SecretAccessKey, keys.SessionToken = f[2], "any", "any"
		return keys, nil
	}
	key := credentials.ofRole(arn, "arn:"+f[1]+":iam::"+f[2]+":role/"+f[3], by.now())
	may := a.May(context.Background(), p)
	if key == nil || may != nil && !may("sts:AssumeRole", arn) {
		return nil, &api.GenericError{
			Status: http.StatusForbidden, Type: "AccessDeniedException",
			Message: "User: " + p.caller.ARN + " is not authorized to perform: sts:AssumeRole on resource: " + arn,
		}
	}
	keys.AccessKeyID, keys.SecretAccessKey, keys.SessionToken, keys.Expires = key.id, key.secret, key.token, key.expires
	if strings.Contains(key.arn, ":assumed-role/") {
		keys.ARN = key.arn
	}
	return keys, nil
}

// ofRole is the first key of a role that is not expired, nil when there is none. The ARN of a session has the role without
// its path.
func (c *Credentials) ofRole(arn, withoutPath string, now time.Time) *credential {
	var first *credential
	for _, key := range c.keys {
		isRole := key.arn == arn || key.roleARN == withoutPath && key.roleARN != ""
		if isRole && (key.expires.IsZero() || now.Before(key.expires)) && (first == nil || key.id < first.id) {
			first = key
		}
	}
	return first
}

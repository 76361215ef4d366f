package importer

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/smithy-go"
)

// Retryer makes a call that is throttled or cut off again, ever slower, up to 8 times in all. Before each wait it says how long
// that is, and what for; say may be nil. Calls that are made side by side call it side by side.
func Retryer(say func(wait time.Duration, reason error)) aws.Retryer {
	return &patient{say: say, AdaptiveMode: retry.NewAdaptiveMode(func(o *retry.AdaptiveModeOptions) {
		o.StandardOptions = append(o.StandardOptions, func(o *retry.StandardOptions) { o.MaxAttempts = 8 })
	})}
}

type patient struct {
	*retry.AdaptiveMode
	say func(time.Duration, error)
}

// IsErrorRetryable leaves out what fails the next time as well: the SDK takes all that comes without a reply for a broken connection.
func (p *patient) IsErrorRetryable(err error) bool {
	_, untrusted := errors.AsType[*tls.CertificateVerificationError](err)
	_, local := errors.AsType[*recordError](err)
	return !untrusted && !local && !errors.Is(err, http.ErrSchemeMismatch) && p.AdaptiveMode.IsErrorRetryable(err)
}

// RetryDelay is called before each wait.
func (p *patient) RetryDelay(attempt int, err error) (time.Duration, error) {
	wait, failed := p.AdaptiveMode.RetryDelay(attempt, err)
	if failed == nil && p.say != nil {
		p.say(wait, plain(err))
	}
	return wait, failed
}

// plainError is an error of the SDK without what the SDK says about itself.
type plainError struct {
	text string
	error
}

func (e *plainError) Error() string { return e.text }

func (e *plainError) Unwrap() error { return e.error }

// plain is an error of a call as AWS, or the network, has it.
func plain(err error) error {
	if refused, ok := errors.AsType[smithy.APIError](err); ok {
		return &plainError{refused.ErrorCode() + ": " + refused.ErrorMessage(), err}
	}
	if local, ok := errors.AsType[*recordError](err); ok {
		return &plainError{local.Error(), err}
	}
	if failed, ok := errors.AsType[*url.Error](err); ok {
		at := failed.URL
		if u, err := url.Parse(at); err == nil {
			at = u.Scheme + "://" + u.Host
		}
		return &plainError{fmt.Sprintf("no answer from %s: %v", at, failed.Err), err}
	}
	return err
}

package state

import (
	"crypto/sha256"
	"encoding/hex"

	"github.com/go-json-experiment/json"

	"portolan/api"
)

// ClientToken remembers the answer a client token got, for as long as AWS keeps one.
type ClientToken struct {
	Request string `json:"request"` // digest of the parameters
	Answer  string `json:"answer"`  // the output, as JSON
}

// Once runs f, unless the caller has used the token with the operation before: then it answers the same again, and
// refuses other parameters under the same token. SDKs invent a token per call and keep it over their retries.
func Once[I any, O any](tx *Txn, operation string, token *string, in *I, f func() (*O, error)) (*O, error) {
	request, err := NewTokenRequest(token, in)
	if err != nil {
		return nil, err
	}
	return OnceOf(tx, operation, request, f)
}

// TokenRequest is a client token with the digest of the parameters it came with.
type TokenRequest struct{ token, digest string }

// NewTokenRequest makes the digest of parameters, of large ones before the transaction.
func NewTokenRequest[I any](token *string, in *I) (TokenRequest, error) {
	if token == nil || *token == "" {
		return TokenRequest{}, nil
	}
	params, err := json.Marshal(in, json.Deterministic(true))
	if err != nil {
		return TokenRequest{}, err
	}
	sum := sha256.Sum256(params)
	return TokenRequest{*token, hex.EncodeToString(sum[:])}, nil
}

// OnceOf is [Once] of parameters whose digest has been made.
func OnceOf[O any](tx *Txn, operation string, r TokenRequest, f func() (*O, error)) (*O, error) {
	if r.token == "" {
		return f()
	}
	key := ClientTokens.key(tx.Caller.Account, operation, r.token)
	if used, ok := ClientTokens.Get(tx.View, key); ok {
		if used.Request != r.digest {
			return nil, api.Conflict("client-token", r.token, "The client token has been used with other parameters.")
		}
		var answer O
		if err := json.Unmarshal([]byte(used.Answer), &answer); err != nil {
			return nil, err
		}
		return &answer, nil
	}
	answer, err := f()
	if err != nil {
		return nil, err
	}
	text, err := json.Marshal(answer, json.Deterministic(true))
	if err != nil {
		return nil, err
	}
	ClientTokens.Save(tx, key, &ClientToken{Request: r.digest, Answer: string(text)})
	return answer, nil
}

// ForgetToken is the end of a token's retention.
func ForgetToken(tx *Txn, key Key[*ClientToken], _ string) error {
	ClientTokens.Delete(tx, key)
	return nil
}

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
	if token == nil || *token == "" {
		return f()
	}
	params, err := json.Marshal(in, json.Deterministic(true))
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256(params)
	request := hex.EncodeToString(sum[:])
	key := ClientTokens.key(tx.Caller.Account, operation, *token)
	if used, ok := ClientTokens.Get(tx.View, key); ok {
		if used.Request != request {
			return nil, api.Conflict("client-token", *token, "The client token has been used with other parameters.")
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
	ClientTokens.Save(tx, key, &ClientToken{Request: request, Answer: string(text)})
	return answer, nil
}

// ForgetToken is the end of a token's retention.
func ForgetToken(tx *Txn, key Key[*ClientToken], _ string) error {
	ClientTokens.Delete(tx, key)
	return nil
}

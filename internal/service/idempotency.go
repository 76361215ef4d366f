package service

import (
	"crypto/sha256"
	"encoding/hex"

	"github.com/go-json-experiment/json"

	"portolan/api"
	"portolan/internal/lifecycle"
)

// usedToken remembers the answer a client token got, for as long as AWS keeps one.
type usedToken struct {
	Request string `json:"request"` // digest of the parameters
	Answer  string `json:"answer"`  // the output, as JSON
}

// once runs f, unless the caller has used the token with the operation before: then it answers the same again, and
// refuses other parameters under the same token. SDKs invent a token per call and keep it over their retries.
func once[I any, O any](tx *Txn, operation string, token *string, in *I, f func() (*O, error)) (*O, error) {
	if val(token) == "" {
		return f()
	}
	params, err := json.Marshal(in, json.Deterministic(true))
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256(params)
	request := hex.EncodeToString(sum[:])
	key := tx.key("client-token", operation, *token)
	if used, ok := usedTokens.Get(tx.r, key); ok {
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
	usedTokens.Put(tx.w, key, &usedToken{Request: request, Answer: string(text)})
	tx.lc.Schedule(lifecycle.ClientToken, key, "USED")
	return answer, nil
}

// forgetToken is the end of a token's retention.
func forgetToken(lc *lifecycle.Txn, e lifecycle.Entry) error {
	usedTokens.Delete(lc.Txn, e.Key)
	return nil
}

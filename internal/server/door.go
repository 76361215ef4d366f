package server

import (
	"context"
	"net/http"
	"strings"

	"portolan/api"
)

// OpenDoor takes any credentials or none, as people expect of a local AWS: a 12-digit access key is the account, the
// Region of the credential scope gives the partition.
type OpenDoor struct{}

// Authenticate never fails.
func (OpenDoor) Authenticate(r *http.Request, body []byte) (Visitor, []byte, error) {
	caller := api.Caller{Account: "000000000000", Partition: "aws"}
	key, region := credentialScope(r)
	if len(key) == 12 && strings.Trim(key, "0123456789") == "" {
		caller.Account = key
	}
	switch {
	case strings.HasPrefix(region, "us-gov-"):
		caller.Partition = "aws-us-gov"
	case strings.HasPrefix(region, "cn-"):
		caller.Partition = "aws-cn"
	}
	return openVisitor(caller), body, nil
}

type openVisitor api.Caller

func (v openVisitor) Caller() api.Caller { return api.Caller(v) }

func (openVisitor) Authorize(context.Context, *api.Operation, api.Input) error { return nil }

// credentialScope is the access key and the Region of a SigV4 credential, wherever the request carries it.
func credentialScope(r *http.Request) (key, region string) {
	_, credential, found := strings.Cut(r.Header.Get("Authorization"), "Credential=")
	if !found {
		credential = r.URL.Query().Get("X-Amz-Credential")
	}
	credential, _, _ = strings.Cut(credential, ",")
	parts := strings.Split(credential, "/")
	if len(parts) < 3 {
		return parts[0], ""
	}
	return parts[0], parts[2]
}

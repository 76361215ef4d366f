package portolan

import (
	"slices"
	"testing"

	"github.com/testcontainers/testcontainers-go"
)

// TestOptions_startAServer looks at what a container engine would be asked for.
func TestOptions_startAServer(t *testing.T) {
	var request testcontainers.GenericContainerRequest
	for _, o := range options([]testcontainers.ContainerCustomizer{testcontainers.WithEnv(map[string]string{"PORTOLAN_LIFECYCLE": "aws"})}) {
		if err := o.Customize(&request); err != nil {
			t.Fatal(err)
		}
	}
	if !slices.Contains(request.ExposedPorts, port) || !slices.Contains(request.Cmd, "--ephemeral") || request.WaitingFor == nil ||
		request.Env["PORTOLAN_LIFECYCLE"] != "aws" {
		t.Errorf("got %+v", request)
	}
}

// Package portolan runs a Portolan in a container for a test, with Testcontainers.
//
//	c, err := portolan.Run(ctx, "portolan:v1.2.3")
//	testcontainers.CleanupContainer(t, c)
//	endpoint, err := c.Endpoint(ctx)
package portolan

import (
	"context"

	"github.com/testcontainers/testcontainers-go"
	"github.com/testcontainers/testcontainers-go/wait"
)

const port = "4566/tcp"

// Container is a running Portolan.
type Container struct{ testcontainers.Container }

// options are how the server is started: in memory, for whoever reaches the port, ready when its health says so.
func options(more []testcontainers.ContainerCustomizer) []testcontainers.ContainerCustomizer {
	return append([]testcontainers.ContainerCustomizer{
		testcontainers.WithExposedPorts(port),
		testcontainers.WithCmd("serve", "--ephemeral", "--listen", "0.0.0.0:4566", "--insecure"),
		testcontainers.WithWaitStrategy(wait.ForHTTP("/_portolan/health").WithPort(port)),
	}, more...)
}

// Run starts a Portolan from an image. The container is not nil when it was made and did not become ready.
func Run(ctx context.Context, image string, more ...testcontainers.ContainerCustomizer) (*Container, error) {
	c, err := testcontainers.Run(ctx, image, options(more)...)
	if c == nil {
		return nil, err
	}
	return &Container{c}, err
}

// Endpoint is the URL of the server, for AWS_ENDPOINT_URL or an SDK's base endpoint.
func (c *Container) Endpoint(ctx context.Context) (string, error) {
	return c.PortEndpoint(ctx, port, "http")
}

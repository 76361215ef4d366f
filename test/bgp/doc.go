// Package bgp has Portolan's BGP sessions with the routers that people run: FRR, BIRD, GoBGP and ExaBGP, each in network
// namespaces that the test makes and removes. It needs root, Linux and the packages that scripts/setup installs, and is
// built with the tag interop: `go test -tags interop ./test/bgp`. Nothing leaves the namespaces.
package bgp

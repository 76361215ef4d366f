// Command print writes a network at AWS's quotas as a snapshot file, to serve it: portolan serve --snapshot.
package main

import (
	"log"
	"os"

	"portolan/bench/atquota"
)

func main() {
	text, err := atquota.Full.Snapshot().JSON()
	if err == nil {
		_, err = os.Stdout.Write(text)
	}
	if err != nil {
		log.Fatal(err)
	}
}

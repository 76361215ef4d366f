package main

import (
	"net"
	"os"
)

// notify reports a state of the process to the service manager that started it, as systemd's sd_notify does: one datagram to
// the socket that NOTIFY_SOCKET names. Without that variable it does nothing.
func notify(state string) error {
	address := os.Getenv("NOTIFY_SOCKET")
	if address == "" {
		return nil
	}
	conn, err := net.DialUnix("unixgram", nil, &net.UnixAddr{Name: address, Net: "unixgram"})
	if err != nil {
		return err
	}
	_, err = conn.Write([]byte(state))
	_ = conn.Close()
	return err
}

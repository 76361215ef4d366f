package main

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"log/slog"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestTLS_certificateThatIsNotValid: a certificate that clients refuse is served, and the log says why they do.
func TestTLS_certificateThatIsNotValid(t *testing.T) {
	const day = 24 * time.Hour
	now := time.Now()
	for name, tt := range map[string]struct {
		from, until time.Time
		warned      bool
	}{
		"valid":         {now.Add(-day), now.Add(day), false},
		"expired":       {now.Add(-2 * day), now.Add(-day), true},
		"not valid yet": {now.Add(day), now.Add(2 * day), true},
	} {
		t.Run(name, func(t *testing.T) {
			folder := t.TempDir()
			o := listenOptions{cert: filepath.Join(folder, "cert.pem"), key: filepath.Join(folder, "key.pem")}
			key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
			if err != nil {
				t.Fatal(err)
			}
			template := &x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: tt.from, NotAfter: tt.until}
			certificate, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
			if err != nil {
				t.Fatal(err)
			}
			private, err := x509.MarshalPKCS8PrivateKey(key)
			if err != nil {
				t.Fatal(err)
			}
			if err := errors.Join(
				os.WriteFile(o.cert, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: certificate}), 0o600),
				os.WriteFile(o.key, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private}), 0o600),
			); err != nil {
				t.Fatal(err)
			}
			var log bytes.Buffer
			config, err := o.tls(slog.New(slog.NewTextHandler(&log, nil)))
			if err != nil || config == nil {
				t.Fatal(err)
			}
			if got := strings.Contains(log.String(), "the certificate is not valid now"); got != tt.warned {
				t.Errorf("the log says: %s", log.String())
			}
		})
	}
}

package speaker_test

import (
	"errors"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"portolan/api"
	"portolan/internal/speaker"
)

func pfx(s string) netip.Prefix { return netip.MustParsePrefix(s) }

func TestNetns_commandsOfAGREPeer(t *testing.T) {
	w := newWorld(t)
	ids := w.peers(65001)
	ns := "portolan-" + strings.TrimPrefix(w.cn, "core-network-") + "-eu-west-1"
	var ran []string
	fresh := true
	n := speaker.RecordedNetns(func(args ...string) error {
		line := strings.ReplaceAll(strings.Join(args, " "), ns, "NS")
		ran = append(ran, line)
		if fresh && line == "-n NS link set lo up" {
			fresh = false
			return errors.New("no such namespace")
		}
		if strings.Contains(line, "link del") {
			return errors.New("no such device")
		}
		return nil
	})
	if problems := w.BGP().Arrange(n); len(problems) > 0 {
		t.Fatal(problems)
	}
	dev := "cp" + ids[0][len(ids[0])-12:]
	w.want("commands", strings.ReplaceAll(strings.Join(ran, "\n"), dev, "DEV"), `-n NS link set lo up
netns add NS
-n NS link set lo up
-n NS route replace local 169.254.40.2 dev lo
-n NS route replace local fd00::102 dev lo
-n NS route replace local 169.254.40.3 dev lo
-n NS route replace local fd00::103 dev lo
-n NS route replace local 10.255.0.1 dev lo
-n NS link del DEV
-n NS link add DEV type gre local 10.255.0.1 remote 10.0.0.5
-n NS link set DEV mtu 1476 up
-n NS route replace 169.254.40.1 dev DEV
-n NS route replace fd00::101 dev DEV`)
	ran = nil
	w.BGP().Arrange(n)
	w.want("again", strings.Join(ran, "\n"), "")

	must(w, w.DeleteConnectPeer, api.DeleteConnectPeerInput{ConnectPeerId: ids[0]})
	w.rest()
	w.BGP().Arrange(n)
	w.want("while the last messages are under way", strings.Join(ran, "\n"), "")
	speaker.Tidy(n)
	w.want("after that", strings.ReplaceAll(strings.Join(ran, "\n"), dev, "DEV"), `-n NS link del DEV
-n NS route del local 169.254.40.2 dev lo
-n NS route del local fd00::102 dev lo
-n NS route del local 169.254.40.3 dev lo
-n NS route del local fd00::103 dev lo
-n NS route del local 10.255.0.1 dev lo`)
}

func TestLoadSecrets_saysNothingOfASecret(t *testing.T) {
	file := filepath.Join(t.TempDir(), "secrets.yaml")
	load := func(text string) (speaker.Secrets, error) {
		t.Helper()
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return speaker.LoadSecrets(file)
	}
	s, err := load("connect-peer-1:\n  password: hush-hush\n  ttlSecurity: 1\n")
	if want := (speaker.Secret{Password: "hush-hush", TTLSecurity: 1}); err != nil || s["connect-peer-1"] != want {
		t.Errorf("got %+v, %v", s, err)
	}
	for _, text := range []string{
		"connect-peer-1: hush-hush\n", "connect-peer-1:\n  passwort: hush-hush\n", "connect-peer-1:\n  ttlSecurity: hush-hush\n",
		"connect-peer-1:\n  ttlSecurity: 255\n", "connect-peer-1:\n  password: " + strings.Repeat("hush-hush", 9) + "\n",
	} {
		if _, err := load(text); err == nil || strings.Contains(err.Error(), "hush-hush") {
			t.Errorf("%q: %v", text, err)
		}
	}
}

package main

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"math/rand/v2"
	"net/url"
	"os"
	"path/filepath"
	"sync"
	"syscall"

	"github.com/aws/aws-sdk-go-v2/credentials"

	"portolan/internal/events"
	"portolan/internal/node"
	"portolan/internal/store"
)

// eventOptions are where events go besides the log.
type eventOptions struct {
	file, webhook, secretFile, endpoint, bus string
}

// sinks reads the flags. A file can be written at the start; who is posted to need not be there yet.
func (o *eventOptions) sinks() ([]events.Sink, error) {
	var list []events.Sink
	if o.webhook == "" {
		if err := useless("--events-webhook", dependent{"--events-webhook-secret-file", o.secretFile}); err != nil {
			return nil, err
		}
	}
	if o.endpoint == "" {
		if err := useless("--events-eventbridge-endpoint", dependent{"--events-bus", o.bus}); err != nil {
			return nil, err
		}
	}
	if o.file != "" {
		if err := checkOutput("--events-file", o.file, os.O_RDWR|os.O_APPEND); err != nil {
			return nil, err
		}
		list = append(list, &events.FileSink{Path: o.file})
	}
	if o.webhook != "" {
		if err := checkURL("--events-webhook", o.webhook); err != nil {
			return nil, err
		}
		sink := &events.WebhookSink{URL: o.webhook}
		if o.secretFile != "" {
			secret, err := os.ReadFile(o.secretFile)
			if err != nil {
				return nil, fmt.Errorf("--events-webhook-secret-file: %w", pathError(o.secretFile, err))
			}
			if sink.Secret = bytes.TrimSpace(secret); len(sink.Secret) == 0 {
				return nil, fmt.Errorf("--events-webhook-secret-file: %s is empty", o.secretFile)
			}
		}
		list = append(list, sink)
	}
	if o.endpoint != "" {
		if err := checkURL("--events-eventbridge-endpoint", o.endpoint); err != nil {
			return nil, err
		}
		sink := &events.EventBridgeSink{Endpoint: o.endpoint, Bus: o.bus, Credentials: credentials.NewStaticCredentialsProvider("portolan", "portolan", "")}
		if own := environmentCredentials(); own != nil {
			sink.Credentials = own("")
		}
		list = append(list, sink)
	}
	return list, nil
}

// checkOutput refuses a file that could not be opened later in the way given, and makes none. What is no regular file, such as a pipe,
// is opened when there is something to write.
func checkOutput(flag, path string, how int) error {
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		err = writableFolder(folderOf(path))
	case err != nil:
	case info.IsDir():
		err = syscall.EISDIR
	case info.Mode().IsRegular():
		var f *os.File
		if f, err = os.OpenFile(path, how, 0); err == nil {
			_ = f.Close() // nothing was written
		}
	}
	if err != nil {
		return fmt.Errorf("%s: %w", flag, pathError(path, err))
	}
	return nil
}

// folderOf is where a file that is not there would be made: where a link leads to, there. Paths are not cleaned, because ".." behind a
// link is elsewhere.
func folderOf(path string) string {
	for {
		folder, _ := filepath.Split(path)
		target, err := os.Readlink(path)
		switch {
		case err != nil:
			return cmp.Or(folder, ".")
		case filepath.IsAbs(target):
			path = target
		default:
			path = folder + target
		}
	}
}

func checkURL(flag, text string) error {
	if u, err := url.Parse(text); err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return fmt.Errorf("%s %q is not an address such as http://127.0.0.1:5000", flag, text)
	}
	return nil
}

// carry carries events to the sinks until ctx ends; stop waits for that.
func carry(ctx context.Context, sinks []events.Sink, st store.Store, log *slog.Logger) (stop func(), err error) {
	fail, err := failpoints()
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(ctx)
	var wg sync.WaitGroup
	for _, sink := range sinks {
		r := &events.Runner{Store: st, Sink: sink, Log: log, Fail: fail, Rand: rand.New(rand.NewPCG(rand.Uint64(), rand.Uint64()))}
		wg.Go(func() { node.OneAtATime(ctx, st, "sink "+sink.Name(), r.Run) })
	}
	return func() {
		cancel()
		wg.Wait()
	}, nil
}

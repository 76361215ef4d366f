package catalog

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

var _ Catalog = (*File)(nil)

// File is a catalog that is read from a file, and read again when the file changes. A file that cannot be read leaves
// what was read before in force.
type File struct {
	path   string
	now    func() time.Time
	log    *slog.Logger
	failed func()

	read atomic.Pointer[reading]

	mu     sync.Mutex // of whoever looks at the file; the others go on with what was read
	looked time.Time
	tried  string // the stamp of what was tried last
}

// reading is what was read at a time.
type reading struct {
	*index
	version uint64
}

// lookEvery is how often the file's size and time are looked at.
const lookEvery = time.Second

// FileOptions are what a file needs beside its path.
type FileOptions struct {
	Now    func() time.Time // default time.Now
	Log    *slog.Logger     // default none
	Failed func()           // is called for each change that could not be read; may be nil
}

// OpenFile reads the file. Its errors name it.
func OpenFile(path string, o FileOptions) (*File, error) {
	f := &File{path: path, now: o.Now, log: o.Log, failed: o.Failed}
	if f.now == nil {
		f.now = time.Now
	}
	if f.log == nil {
		f.log = slog.New(slog.DiscardHandler)
	}
	if f.failed == nil {
		f.failed = func() {}
	}
	stamp, x, err := f.load("")
	if err != nil {
		return nil, err
	}
	f.tried, f.looked = stamp, f.now()
	f.read.Store(&reading{x, 1})
	return f, nil
}

// load reads the file unless its stamp is the given one. A stamp tells one state of a file from another.
func (f *File) load(tried string) (stamp string, x *index, err error) {
	file, err := os.Open(f.path)
	if err != nil {
		return "absent", nil, fmt.Errorf("the catalog cannot be read: %w", err)
	}
	defer func() { _ = file.Close() }() // only read
	info, err := file.Stat()
	if err != nil {
		return "absent", nil, fmt.Errorf("the catalog cannot be read: %w", err)
	}
	if stamp = fmt.Sprint(info.Size(), info.ModTime().UnixNano()); stamp == tried {
		return stamp, nil, nil
	}
	data, err := io.ReadAll(io.LimitReader(file, MaxFile+1))
	if err != nil {
		return stamp, nil, fmt.Errorf("the catalog cannot be read: %w", err)
	}
	c, err := Parse(data)
	if err != nil {
		return stamp, nil, fmt.Errorf("%s: %w", f.path, err)
	}
	for _, w := range c.Warnings() {
		f.log.Warn("the catalog holds something unknown", "file", f.path, "warning", w)
	}
	return stamp, c.index(), nil
}

// current is the contents as of now. Whoever comes when the file is due for a look reads it, and nobody waits for that.
func (f *File) current() *reading {
	was := f.read.Load()
	if !f.mu.TryLock() {
		return was
	}
	defer f.mu.Unlock()
	now := f.now()
	if Within(now, f.looked, lookEvery) {
		return f.read.Load()
	}
	f.looked = now
	stamp, x, err := f.load(f.tried)
	switch {
	case err != nil && stamp != f.tried: // say it once
		f.failed()
		f.log.Error("the catalog that was read before stays in force", "error", err)
	case x != nil:
		f.read.Store(&reading{x, f.read.Load().version + 1})
		f.log.Info("catalog reloaded", "file", f.path)
	}
	f.tried = stamp
	return f.read.Load()
}

// Remote is false: a look at the file is cheap.
func (f *File) Remote() bool { return false }

// Version moves with every reload.
func (f *File) Version() uint64 { return f.current().version }

// VPC looks a VPC up.
func (f *File) VPC(ctx context.Context, arn string) (*VPC, error) { return f.current().VPC(ctx, arn) }

// TransitGateway looks a transit gateway up.
func (f *File) TransitGateway(ctx context.Context, arn string) (*TransitGateway, error) {
	return f.current().TransitGateway(ctx, arn)
}

// RouteTable looks a transit gateway route table up.
func (f *File) RouteTable(ctx context.Context, arn string) (*RouteTable, error) {
	return f.current().RouteTable(ctx, arn)
}

// VPNConnection looks a VPN connection up.
func (f *File) VPNConnection(ctx context.Context, arn string) (*VPNConnection, error) {
	return f.current().VPNConnection(ctx, arn)
}

// CustomerGateway looks a customer gateway up.
func (f *File) CustomerGateway(ctx context.Context, arn string) (*CustomerGateway, error) {
	return f.current().CustomerGateway(ctx, arn)
}

// ConnectPeer looks a transit gateway Connect peer up.
func (f *File) ConnectPeer(ctx context.Context, arn string) (*ConnectPeer, error) {
	return f.current().ConnectPeer(ctx, arn)
}

// PrefixList looks a managed prefix list up.
func (f *File) PrefixList(ctx context.Context, arn string) (*PrefixList, error) {
	return f.current().PrefixList(ctx, arn)
}

// DirectConnectGateway looks a Direct Connect gateway up.
func (f *File) DirectConnectGateway(ctx context.Context, arn string) (*DirectConnectGateway, error) {
	return f.current().DirectConnectGateway(ctx, arn)
}

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"portolan/internal/page"
	"portolan/internal/state"
	"portolan/internal/store"
)

func checkCommand() *cobra.Command {
	var format *oneOf
	cmd := &cobra.Command{
		Use:     "check FOLDER",
		Short:   "look for damage in the data of a server that does not run, or in a backup",
		Example: "  portolan check portolan-data\n  portolan check monday.db -o json",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			found, err := checkData(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			if err := show(cmd, format.value, false, found, (*examinedData).Page); err != nil {
				return err
			}
			if len(found.Found) > 0 {
				return &exitError{code: exitFindings}
			}
			return nil
		},
	}
	format = answerFlag(cmd)
	return cmd
}

// examinedData is what a data folder or a backup holds, and what is wrong with it.
type examinedData struct {
	File    string   `json:"file"`
	Pages   int      `json:"pages"` // in use
	Entries int      `json:"entries"`
	Bytes   int64    `json:"bytes"`
	Older   bool     `json:"older"` // of an older release: its pages alone were checked
	Found   []string `json:"found"`
}

// Page is a line for each thing found, then how much was checked.
func (d *examinedData) Page() *page.Page {
	p := &page.Page{}
	for _, f := range d.Found {
		p.Line(page.Bad, "%s", f)
	}
	if d.Older {
		p.Line(page.Warning, "%s is of an older release: its pages were checked, what is in them is when a server has started with it", d.File)
	}
	p.Line(page.Plain, "%s: %d pages in use, %d entries, %d bytes: %d found", d.File, d.Pages, d.Entries, d.Bytes, len(d.Found))
	return p
}

// checkData looks for what is wrong with a data folder or a backup.
func checkData(ctx context.Context, path string) (*examinedData, error) {
	d := &examinedData{File: path, Found: []string{}}
	if info, err := os.Stat(path); err != nil {
		return nil, usage(pathError(path, err))
	} else if info.IsDir() {
		if err := holdsData(path); err != nil {
			return nil, err
		}
		d.File = filepath.Join(path, dataFile)
		unlock, err := store.Lock(path)
		if err != nil {
			return nil, usage(dataError(path, err))
		}
		defer unlock()
	}
	checked, err := store.CheckFile(ctx, d.File, func(damage *store.DamageError) { d.Found = append(d.Found, damage.Error()) })
	if err != nil {
		return nil, usage(err)
	}
	d.Pages, d.Entries, d.Bytes = checked.Pages, checked.Entries, checked.Bytes
	if len(d.Found) > 0 {
		return d, nil
	}
	err = store.ReadFile(ctx, d.File, func(r store.Reader) error {
		state.VerifyReader(r, func(f store.Finding) { d.Found = append(d.Found, fmt.Sprint(f)) })
		return nil
	})
	if d.Older = errors.Is(err, errors.ErrUnsupported); err != nil && !d.Older {
		return nil, usage(err)
	}
	return d, nil
}

func backupCommand() *cobra.Command {
	var o networkOptions
	var data string
	cmd := &cobra.Command{
		Use:     "backup FILE",
		Short:   "copy everything a running server has, or a data folder, to a file",
		Example: "  portolan backup monday.db\n  portolan backup --data portolan-data monday.db",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			ctx, stop := untilSignal(cmd.Context())
			defer stop()
			copyTo := func(w io.Writer) error { return o.backup(ctx, w) }
			if data != "" {
				copyTo = func(w io.Writer) error { return backupFolder(data, w) }
			}
			found, err := makeBackup(ctx, args[0], copyTo)
			if err != nil {
				return err
			}
			if err := show(cmd, "text", false, found, (*examinedData).Page); err != nil {
				return err
			}
			if len(found.Found) > 0 {
				return &exitError{exitFindings, errors.New("the backup is damaged: so is what it was made of")}
			}
			return nil
		},
	}
	cmd.Flags().StringVar(&data, "data", "", "folder of a server that does not run, to be copied instead")
	o.endpointFlag(cmd)
	return cmd
}

// makeBackup makes a file and looks for damage in it.
func makeBackup(ctx context.Context, path string, copyTo func(io.Writer) error) (*examinedData, error) {
	if err := writeWhole(ctx, path, copyTo); err != nil {
		if ctx.Err() != nil {
			err = errors.New("interrupted: there is no backup")
		}
		return nil, usage(err)
	}
	found, err := checkData(ctx, path)
	if err != nil && ctx.Err() != nil {
		err = usage(fmt.Errorf("interrupted: the backup %s is whole, and was not checked", path))
	}
	return found, err
}

// backup copies what the server at the endpoint sends.
func (o *networkOptions) backup(ctx context.Context, w io.Writer) error {
	resp, err := ask(ctx, o.endpoint, "/_portolan/backup")
	if err != nil {
		return err
	}
	defer resp.Body.Close() // only read
	if _, err = io.Copy(w, resp.Body); errors.Is(err, io.ErrUnexpectedEOF) {
		return brokenOff(err)
	}
	return err
}

func backupFolder(folder string, w io.Writer) error {
	if err := holdsData(folder); err != nil {
		return err
	}
	unlock, err := store.Lock(folder)
	if err != nil {
		return dataError(folder, err)
	}
	defer unlock()
	f, err := os.Open(filepath.Join(folder, dataFile))
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }() // only read
	_, err = io.Copy(w, f)
	return err
}

// untilDone is a writer that fails once its context has ended.
type untilDone struct {
	context.Context
	io.Writer
}

func (w untilDone) Write(b []byte) (int, error) {
	if err := w.Err(); err != nil {
		return 0, err
	}
	return w.Writer.Write(b)
}

// writeWhole makes a file that is there only when all of it is, and not when the context ends before.
func writeWhole(ctx context.Context, path string, write func(io.Writer) error) error {
	if _, err := os.Lstat(path); err == nil {
		return fmt.Errorf("%s is there already", path)
	}
	f, err := os.OpenFile(path+".partial", os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		return pathError(path, err)
	}
	err = write(untilDone{ctx, f})
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		_ = os.Remove(f.Name())
	}
	return err
}

func restoreCommand() *cobra.Command {
	var data string
	cmd := &cobra.Command{
		Use:     "restore FILE",
		Short:   "make the data folder of a server out of a backup",
		Example: "  portolan restore monday.db --data portolan-data",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if _, err := os.Stat(args[0]); err != nil {
				return pathError(args[0], err)
			}
			checked, err := store.Restore(cmd.Context(), args[0], filepath.Join(data, dataFile))
			if err != nil {
				switch {
				case errors.Is(err, store.ErrInUse):
					return dataError(data, err)
				case errors.Is(err, store.ErrDamaged):
					return fmt.Errorf("%s: %w", args[0], err)
				}
				return err
			}
			_, err = fmt.Fprintf(cmd.OutOrStdout(), "%s: %d entries\n", filepath.Join(data, dataFile), checked.Entries)
			return err
		},
	}
	cmd.Flags().StringVar(&data, "data", "portolan-data", "folder of the data")
	return cmd
}

func compactCommand() *cobra.Command {
	var data string
	cmd := &cobra.Command{
		Use:     "compact",
		Short:   "give back the room that deleted data takes in a data folder; no server may run on it",
		Example: "  portolan compact --data portolan-data",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := holdsData(data); err != nil {
				return err
			}
			before, after, err := store.Compact(cmd.Context(), filepath.Join(data, dataFile))
			if err != nil {
				return dataError(data, err)
			}
			_, err = fmt.Fprintf(cmd.OutOrStdout(), "%s: %d bytes became %d\n", filepath.Join(data, dataFile), before, after)
			return err
		},
	}
	cmd.Flags().StringVar(&data, "data", "portolan-data", "folder of the data")
	return cmd
}

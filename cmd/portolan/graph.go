package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"portolan/internal/picture"
)

func graphCommand() *cobra.Command {
	o := networkOptions{unsettled: true}
	cmd := &cobra.Command{
		Use:   "graph",
		Short: "draw a network diagram: Mermaid, SVG, DOT or PNG",
		Example: `  portolan graph --snapshot network.yaml
  portolan graph --snapshot network.yaml -o svg > network.svg
  portolan graph --snapshot network.yaml -o dot | dot -Tpdf > network.pdf`,
		Long: `Graph draws segments, network function groups, edge locations and attachments, what is shared and what is inspected on the way.
PNG needs Chromium or Chrome on the PATH. The picture of a change is drawn by "portolan plan -o svg".`,
		Args: noFile,
		RunE: func(cmd *cobra.Command, _ []string) error {
			subject, err := o.examine(cmd)
			if err != nil {
				return err
			}
			return drawPicture(cmd, picture.Of(subject), o.output.value)
		},
	}
	o.question(cmd, pictureFormats...)
	cmd.Flags().VarP(o.output, "format", "f", "former name of --output")
	_ = cmd.Flags().MarkHidden("format")
	return cmd
}

var pictureFormats = []string{"mermaid", "svg", "dot", "png"}

// drawPicture prints a picture.
func drawPicture(cmd *cobra.Command, p *picture.Picture, format string) error {
	w := cmd.OutOrStdout()
	var text string
	switch format {
	case "svg":
		text = p.SVG()
	case "dot":
		text = p.DOT()
	case "png":
		return writePNG(cmd.Context(), w, p)
	default:
		text = p.Mermaid()
	}
	_, err := io.WriteString(w, text)
	return err
}

// browsers are the programs that draw an SVG document as PNG, the first that is there.
var browsers = []string{"chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome", "headless-shell"}

// writePNG lets a browser draw the SVG document.
func writePNG(ctx context.Context, w io.Writer, p *picture.Picture) error {
	browser := ""
	for _, name := range browsers {
		if path, err := exec.LookPath(name); err == nil {
			browser = path
			break
		}
	}
	if browser == "" {
		return usage(errors.New("a PNG needs Chromium or Chrome on the PATH; -o svg needs nothing"))
	}
	dir, err := os.MkdirTemp("", "portolan-picture-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	in, out := filepath.Join(dir, "picture.svg"), filepath.Join(dir, "picture.png")
	if err := os.WriteFile(in, []byte(p.SVG()), 0o600); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	width, height := p.Size()
	args := []string{
		"--headless", "--disable-gpu", "--hide-scrollbars", "--user-data-dir=" + filepath.Join(dir, "profile"),
		fmt.Sprintf("--window-size=%d,%d", width, height), "--screenshot=" + out, "file://" + in,
	}
	if os.Geteuid() == 0 {
		args = append([]string{"--no-sandbox"}, args...) // root cannot have one
	}
	if text, err := exec.CommandContext(ctx, browser, args...).CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w: %.500s", browser, err, text)
	}
	png, err := os.ReadFile(out)
	if err != nil {
		return err
	}
	_, err = w.Write(png)
	return err
}

package main

import (
	"fmt"
	"io"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/spf13/cobra"
)

// readAnswer makes an A of what the gateway answered.
func readAnswer[A any](answer jsontext.Value) (a A, err error) {
	if err := json.Unmarshal(answer, &a); err != nil {
		return a, fmt.Errorf("reading the gateway's answer: %w", err)
	}
	return a, nil
}

// tellAnswer writes an answer to w: as the gateway wrote it, which is what --json prints, or
// as text has it for people.
func tellAnswer[A any](w io.Writer, answer jsontext.Value, asJSON bool, text func(io.Writer, *A) error) error {
	if asJSON {
		_, err := fmt.Fprintln(w, string(answer))
		return err
	}
	a, err := readAnswer[A](answer)
	if err != nil {
		return err
	}
	return text(w, &a)
}

// tellPath asks the gateway for a path and tells the answer.
func tellPath[A any](p *program, cmd *cobra.Command, path string, asJSON bool, text func(io.Writer, *A) error) error {
	c, err := p.client()
	if err != nil {
		return err
	}
	var answer jsontext.Value
	if err := c.get(cmd.Context(), path, nil, &answer); err != nil {
		return err
	}
	return tellAnswer(cmd.OutOrStdout(), answer, asJSON, text)
}

// inWords makes of a function that returns the text one that writes it.
func inWords[A any](text func(*A) string) func(io.Writer, *A) error {
	return func(w io.Writer, a *A) error {
		_, err := io.WriteString(w, text(a))
		return err
	}
}

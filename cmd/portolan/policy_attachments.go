package main

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"

	"portolan/policy"
)

// maxAttachments bounds a list of attachments: ten times what AWS lets a core network have.
const maxAttachments = 50_000

// readAttachments reads what `aws networkmanager list-attachments` prints: the attachments as they are.
func readAttachments(stdin io.Reader, name string) ([]policy.Attachment, error) {
	text, err := readFile(stdin, name)
	if err != nil {
		return nil, err
	}
	var list struct {
		Attachments *[]struct {
			AttachmentId, AttachmentType, OwnerAccountId, EdgeLocation, ResourceArn, State string
			EdgeLocations                                                                  []string
			Tags                                                                           []struct{ Key, Value string }
		}
		NextToken string
	}
	if err := json.Unmarshal(text, &list); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	switch {
	case list.Attachments == nil:
		return nil, fmt.Errorf("%s has no member Attachments: give what `aws networkmanager list-attachments` prints", name)
	case list.NextToken != "":
		return nil, fmt.Errorf("%s is one page of several: give all attachments", name)
	case len(*list.Attachments) > maxAttachments:
		return nil, fmt.Errorf("%s has more than %d attachments", name, maxAttachments)
	}
	attachments := []policy.Attachment{}
	for _, a := range *list.Attachments {
		kind := strings.ReplaceAll(strings.ToLower(a.AttachmentType), "_", "-")
		edges := a.EdgeLocations
		if a.EdgeLocation != "" {
			edges = []string{a.EdgeLocation}
		}
		if !slices.Contains(attachmentTypes, kind) || len(edges) == 0 {
			return nil, fmt.Errorf("%s: attachment %q has the type %q and %d edge locations", name, a.AttachmentId, a.AttachmentType, len(edges))
		}
		if a.State == "DELETING" || a.State == "REJECTED" {
			continue // it is on its way out, or was never let in
		}
		tags := map[string]string{}
		for _, t := range a.Tags {
			tags[t.Key] = t.Value
		}
		attachments = append(attachments, policy.Attachment{
			ID: a.AttachmentId, Type: kind, Edges: edges, Account: a.OwnerAccountId, Tags: tags,
			ResourceID: a.ResourceArn[strings.LastIndexAny(a.ResourceArn, "/:")+1:],
		})
	}
	return attachments, nil
}

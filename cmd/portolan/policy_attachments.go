package main

import (
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"portolan/internal/order"
	"portolan/policy"
	"portolan/policy/source"
)

// maxAttachments bounds a list of attachments: ten times what AWS lets a core network have.
const maxAttachments = 50_000

// readAttachments reads what `aws networkmanager list-attachments` prints: the attachments as they are, the oldest first.
func readAttachments(stdin io.Reader, name string) ([]policy.Attached, error) {
	text, err := readFile(stdin, name)
	if err != nil {
		return nil, err
	}
	name = called(stdin, name)
	var list struct {
		Attachments *[]struct {
			AttachmentId, AttachmentType, OwnerAccountId, EdgeLocation, ResourceArn, State string
			SegmentName, NetworkFunctionGroupName                                          string
			AttachmentPolicyRuleNumber                                                     int
			CreatedAt                                                                      jsontext.Value
			EdgeLocations                                                                  []string
			Tags                                                                           []struct{ Key, Value string }
			ProposedSegmentChange, ProposedNetworkFunctionGroupChange                      *struct{}
		}
		NextToken string
	}
	if err := json.Unmarshal(text, &list); err != nil {
		return nil, source.JSONError(name, err)
	}
	switch {
	case list.Attachments == nil:
		return nil, fmt.Errorf("%s has no member Attachments: give what `aws networkmanager list-attachments` prints", name)
	case list.NextToken != "":
		return nil, fmt.Errorf("%s is one page of several: give all attachments", name)
	case len(*list.Attachments) > maxAttachments:
		return nil, fmt.Errorf("%s has more than %d attachments", name, maxAttachments)
	}
	attachments := []policy.Attached{}
	created := map[string]time.Time{}
	for _, a := range *list.Attachments {
		kind := strings.ReplaceAll(strings.ToLower(a.AttachmentType), "_", "-")
		edges := a.EdgeLocations
		if a.EdgeLocation != "" {
			edges = []string{a.EdgeLocation}
		}
		if !slices.Contains(policy.AttachmentTypes(), kind) || len(edges) == 0 {
			return nil, fmt.Errorf("%s: attachment %q has the type %q and %d edge locations", name, a.AttachmentId, a.AttachmentType, len(edges))
		}
		tags := map[string]string{}
		for _, t := range a.Tags {
			tags[t.Key] = t.Value
		}
		created[a.AttachmentId] = createdAt(a.CreatedAt)
		attachments = append(attachments, policy.Attached{
			Attachment: policy.Attachment{
				ID: a.AttachmentId, Type: kind, Edges: edges, Account: a.OwnerAccountId, Tags: tags,
				ResourceID: a.ResourceArn[strings.LastIndexAny(a.ResourceArn, "/:")+1:],
			},
			At:    policy.Association{Segment: a.SegmentName, NetworkFunctionGroup: a.NetworkFunctionGroupName, RuleNumber: a.AttachmentPolicyRuleNumber},
			Fixed: a.State == "DELETING",
			Out:   a.State == "REJECTED" || a.State == "FAILED",
			Asks:  a.ProposedSegmentChange != nil || a.ProposedNetworkFunctionGroupChange != nil,
		})
	}
	order.Stable(attachments, func(a, b policy.Attached) int { return created[a.ID].Compare(created[b.ID]) })
	return attachments, nil
}

// createdAt reads a time as the AWS CLI prints it, or as the API does, in seconds. The zero time when there is none.
func createdAt(text jsontext.Value) time.Time {
	var at time.Time
	if json.Unmarshal(text, &at) == nil {
		return at
	}
	if seconds, err := strconv.ParseFloat(string(text), 64); err == nil {
		return time.Unix(int64(seconds), 0)
	}
	return time.Time{}
}

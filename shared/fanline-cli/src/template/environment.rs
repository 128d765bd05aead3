//! Where the stack is imagined to run: what the pseudo parameters stand for and how physical
//! names, ARNs and URLs are made. Nothing here is random: the same template has the same names
//! on every run, so that a second run finds what the first one made.

use std::collections::BTreeMap;

/// The account, region and stack a template is read for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Environment {
    /// `AWS::Region`.
    pub region: String,
    /// `AWS::AccountId`.
    pub account: String,
    /// `AWS::Partition`.
    pub partition: String,
    /// `AWS::StackName`, the first part of names that the template leaves open.
    pub stack_name: String,
    /// What a queue's name is appended to, without a slash at the end:
    /// `http://127.0.0.1:4566/000000000000`.
    pub queue_url_base: String,
    /// Where functions with a URL are served, by their names in the template. Ports are chosen when
    /// the run starts; until then a URL is what it would look like on AWS.
    pub function_urls: BTreeMap<String, String>,
}

impl Environment {
    pub(super) const PSEUDO_PARAMETERS: [&str; 8] = [
        "AWS::AccountId",
        "AWS::NoValue",
        "AWS::NotificationARNs",
        "AWS::Partition",
        "AWS::Region",
        "AWS::StackId",
        "AWS::StackName",
        "AWS::URLSuffix",
    ];

    /// The pseudo parameters that are text.
    pub(super) fn pseudo_parameter(&self, name: &str) -> Option<String> {
        Some(match name {
            "AWS::AccountId" => self.account.clone(),
            "AWS::Partition" => self.partition.clone(),
            "AWS::Region" => self.region.clone(),
            "AWS::StackName" => self.stack_name.clone(),
            "AWS::StackId" => {
                let id = "00000000-0000-0000-0000-000000000000";
                self.arn("cloudformation", &format!("stack/{}/{id}", self.stack_name))
            }
            "AWS::URLSuffix" if self.partition == "aws-cn" => "amazonaws.com.cn".to_owned(),
            "AWS::URLSuffix" => "amazonaws.com".to_owned(),
            _ => return None,
        })
    }

    pub(super) fn arn(&self, service: &str, resource: &str) -> String {
        format!(
            "arn:{}:{service}:{}:{}:{resource}",
            self.partition, self.region, self.account
        )
    }

    pub(super) fn global_arn(&self, service: &str, resource: &str) -> String {
        format!(
            "arn:{}:{service}::{}:{resource}",
            self.partition, self.account
        )
    }

    pub(super) fn queue_url(&self, name: &str) -> String {
        format!("{}/{name}", self.queue_url_base)
    }

    pub(super) fn function_url(&self, logical_id: &str) -> String {
        match self.function_urls.get(logical_id) {
            Some(url) => url.clone(),
            None => {
                let id = logical_id.to_ascii_lowercase();
                format!("https://{id}.lambda-url.{}.on.aws/", self.region)
            }
        }
    }

    pub(super) fn derived_name(&self, logical_id: &str) -> String {
        format!("{}-{logical_id}", self.stack_name)
    }
}

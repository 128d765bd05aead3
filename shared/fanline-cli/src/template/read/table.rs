//! DynamoDB tables and SAM's simple ones.

use super::Reader;
use crate::template::document::Resource;
use crate::template::error::TemplateError;
use crate::template::field::Field;
use crate::template::model::{Index, KeyElement, Table, Throughput};
use crate::template::path::Path;
use crate::template::reference::stream_arn;

/// Those without a meaning here are listed too: known is not the same as interpreted.
const PROPERTIES: [&str; 20] = [
    "AttributeDefinitions",
    "BillingMode",
    "ContributorInsightsSpecification",
    "DeletionProtectionEnabled",
    "GlobalSecondaryIndexes",
    "ImportSourceSpecification",
    "KeySchema",
    "KinesisStreamSpecification",
    "LocalSecondaryIndexes",
    "OnDemandThroughput",
    "PointInTimeRecoverySpecification",
    "ProvisionedThroughput",
    "ResourcePolicy",
    "SSESpecification",
    "StreamSpecification",
    "TableClass",
    "TableName",
    "Tags",
    "TimeToLiveSpecification",
    "WarmThroughput",
];
const SIMPLE_PROPERTIES: [&str; 6] = [
    "PointInTimeRecoverySpecification",
    "PrimaryKey",
    "ProvisionedThroughput",
    "SSESpecification",
    "TableName",
    "Tags",
];

impl Reader<'_> {
    pub(super) fn read_table(
        &mut self,
        resource: &Resource,
        properties: &Field<'_>,
    ) -> Result<(), TemplateError> {
        properties.unknown_keys(&resource.kind, &PROPERTIES, &mut self.stack.findings);
        let mut table = self.bare_table(resource)?;
        table.key_schema = key_schema(properties)?;
        for item in properties.required("AttributeDefinitions")?.items()? {
            let name = item.required("AttributeName")?.text()?;
            let kind = one_of(&item.required("AttributeType")?, &["S", "N", "B"])?;
            table.attribute_definitions.push((name, kind));
        }
        table.provisioned = match properties.get("BillingMode")? {
            Some(mode)
                if one_of(&mode, &["PAY_PER_REQUEST", "PROVISIONED"])? == "PAY_PER_REQUEST" =>
            {
                None
            }
            _ => Some(throughput(&properties.required("ProvisionedThroughput")?)?),
        };
        for item in properties.items_of("GlobalSecondaryIndexes")? {
            table.global_indexes.push(index(&item)?);
        }
        for item in properties.items_of("LocalSecondaryIndexes")? {
            table.local_indexes.push(index(&item)?);
        }
        if let Some(ttl) = properties.get("TimeToLiveSpecification")?
            && ttl.required("Enabled")?.boolean()?
        {
            table.ttl_attribute = Some(ttl.required("AttributeName")?.text()?);
        }
        if let Some(stream) = properties.get("StreamSpecification")? {
            let views = ["KEYS_ONLY", "NEW_AND_OLD_IMAGES", "NEW_IMAGE", "OLD_IMAGE"];
            table.stream_view_type = Some(one_of(&stream.required("StreamViewType")?, &views)?);
            table.stream_arn = Some(stream_arn(&table.arn));
        }
        self.stack.tables.push(table);
        Ok(())
    }

    pub(super) fn read_simple_table(
        &mut self,
        resource: &Resource,
        properties: &Field<'_>,
    ) -> Result<(), TemplateError> {
        properties.unknown_keys(&resource.kind, &SIMPLE_PROPERTIES, &mut self.stack.findings);
        let mut table = self.bare_table(resource)?;
        let (name, kind) = match properties.get("PrimaryKey")? {
            Some(key) => {
                let kind = one_of(&key.required("Type")?, &["String", "Number", "Binary"])?;
                (key.required("Name")?.text()?, kind)
            }
            None => ("id".to_owned(), "String".to_owned()),
        };
        table.key_schema = vec![KeyElement {
            attribute: name.clone(),
            key_type: "HASH".to_owned(),
        }];
        table.attribute_definitions = vec![(name, kind[..1].to_owned())];
        table.provisioned = properties
            .get("ProvisionedThroughput")?
            .map(|field| throughput(&field))
            .transpose()?;
        self.stack.tables.push(table);
        Ok(())
    }

    fn bare_table(&self, resource: &Resource) -> Result<Table, TemplateError> {
        let path = Path::root(&resource.path);
        Ok(Table {
            logical_id: resource.logical_id.clone(),
            line: resource.at.line,
            name: self.evaluator.physical_name(resource, resource.at, path)?,
            arn: self.evaluator.arn(resource, resource.at, path)?,
            stream_arn: None,
            key_schema: Vec::new(),
            attribute_definitions: Vec::new(),
            provisioned: None,
            global_indexes: Vec::new(),
            local_indexes: Vec::new(),
            ttl_attribute: None,
            stream_view_type: None,
        })
    }
}

fn key_schema(field: &Field<'_>) -> Result<Vec<KeyElement>, TemplateError> {
    let element = |item: &Field<'_>| {
        let attribute = item.required("AttributeName")?.text()?;
        let key_type = one_of(&item.required("KeyType")?, &["HASH", "RANGE"])?;
        Ok(KeyElement {
            attribute,
            key_type,
        })
    };
    field
        .required("KeySchema")?
        .items()?
        .iter()
        .map(element)
        .collect()
}

fn index(item: &Field<'_>) -> Result<Index, TemplateError> {
    let projection = item.required("Projection")?;
    let mut non_key_attributes = Vec::new();
    for attribute in projection.items_of("NonKeyAttributes")? {
        non_key_attributes.push(attribute.text()?);
    }
    Ok(Index {
        name: item.required("IndexName")?.text()?,
        key_schema: key_schema(item)?,
        projection_type: one_of(
            &projection.required("ProjectionType")?,
            &["ALL", "INCLUDE", "KEYS_ONLY"],
        )?,
        non_key_attributes,
        provisioned: item
            .get("ProvisionedThroughput")?
            .map(|field| throughput(&field))
            .transpose()?,
    })
}

fn throughput(field: &Field<'_>) -> Result<Throughput, TemplateError> {
    // SAM lets a simple table leave one of them open; DynamoDB's default quota is far above 5.
    let units = |key: &str| field.get(key)?.map_or(Ok(5), |field| field.number());
    Ok(Throughput {
        read: units("ReadCapacityUnits")?,
        write: units("WriteCapacityUnits")?,
    })
}

/// Text that must be one of a few words.
pub(super) fn one_of(field: &Field<'_>, words: &[&str]) -> Result<String, TemplateError> {
    let text = field.text()?;
    if words.contains(&&*text) {
        return Ok(text);
    }
    Err(field.error(format_args!("is '{text}'; expected {}", words.join(", "))))
}
